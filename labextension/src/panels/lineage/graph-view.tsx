import * as React from 'react';

import { ErrorNote, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { FlowGraph } from '../../graph';
import type { Direction } from '../../graph/layout';
import type { IFlowEdge, IFlowNode } from '../../graph';
import { bestDirection } from '../../graph/direction';
import { refreshIcon, turnIcon } from '../../icons';
import type { ILineageActions } from './actions';
import { Filters, TraceBar } from './controls';
import { NodeDetails } from './details';
import type { LineageExplorer } from './explorer';
import { CARD, SPACED_CARD } from './export';
import { edgeId } from './facts';
import type { INode, Way } from './facts';
import { KindIcon, captionOf, spokenLabel } from './labels';
import { NothingKnown } from './nothing';
import { nameOf } from './ways';
import '../../../style/lineage.css';

/** The graph in the main area: cards that expand, filters, ways, details at the side. */
export default function LineageGraphView(props: {
  explorer: LineageExplorer;
  actions: ILineageActions;
}): JSX.Element {
  const { explorer, actions } = props;
  const trans = useTrans();
  const { roots, ways, selected } = explorer;
  const part = explorer.part();
  const [turned, setTurned] = React.useState<Direction | null>(null);
  const best = bestDirection(part.nodes, part.edges, SPACED_CARD);
  const direction = turned ?? best;
  const nodes = React.useMemo(
    () =>
      part.nodes.map((node): IFlowNode => ({
        id: node.id,
        ...CARD,
        label: spokenLabel(trans, node),
        tone: node.kind,
        render: () => (
          <Card
            node={node}
            isRoot={roots.includes(node.id)}
            upstream={explorer.more(node.id, 'upstream')}
            downstream={explorer.more(node.id, 'downstream')}
            direction={direction}
            onExpand={way => {
              explorer.select(node.id);
              void explorer.expandNode(node.id, way);
            }}
          />
        )
      })),
    [part, trans, explorer, roots, direction]
  );
  const edges = React.useMemo(
    () =>
      part.edges.map((edge): IFlowEdge => ({
        id: edge.id,
        source: edge.source,
        target: edge.target,
        label: edge.names.join(', '),
        // A line across what is passed over.
        isDashed: edge.names.length === 0
      })),
    [part]
  );
  const highlighted = React.useMemo(
    () => (ways && ways.nodes.size > 0 ? broughtOut(ways.nodes, edges) : null),
    [ways, edges]
  );
  const isEmpty = part.nodes.length === 0;
  return (
    <div className="jp-mlplat-LineageView" data-testid="mlplat-lineage-view">
      <div className="jp-mlplat-LineageView-bar">
        <h2 className="jp-mlplat-LineageView-title" title={explorer.title}>
          {explorer.title}
        </h2>
        <Filters explorer={explorer} />
        <div className="jp-mlplat-LineageView-exports">
          <IconButton
            icon={refreshIcon}
            label={trans.__('Refresh')}
            onClick={() => void explorer.load()}
          />
          <IconButton
            icon={turnIcon}
            label={
              direction === 'down'
                ? trans.__('Draw from left to right')
                : trans.__('Draw from top to bottom')
            }
            onClick={() => setTurned(direction === 'down' ? 'right' : 'down')}
          />
          <span
            className="jp-mlplat-LineageView-save"
            role="group"
            aria-label={trans.__('Save as')}
          >
            {(['svg', 'png', 'json'] as const).map(format => (
              <button
                key={format}
                type="button"
                className="jp-mlplat-LineageView-format"
                title={trans.__('Save as %1', format.toUpperCase())}
                disabled={isEmpty}
                onClick={() => actions.exportAs(format)}
              >
                {format.toUpperCase()}
              </button>
            ))}
          </span>
        </div>
      </div>
      {explorer.error !== null && (
        <ErrorNote
          error={explorer.error}
          action={{
            label: trans.__('Try again'),
            onClick: () => void explorer.load()
          }}
        />
      )}
      <TraceBar explorer={explorer} />
      <div className="jp-mlplat-LineageView-main">
        <div className="jp-mlplat-LineageView-graph">
          {!isEmpty && (
            <FlowGraph
              label={trans.__('Lineage of %1', explorer.title)}
              nodes={nodes}
              edges={edges}
              direction={direction}
              selected={selected?.id ?? null}
              highlighted={highlighted}
              onSelect={id => explorer.select(id)}
              onOpen={id => {
                void explorer.expandNode(id, 'upstream');
                void explorer.expandNode(id, 'downstream');
              }}
            />
          )}
          {isEmpty && explorer.isLoading && (
            <p className="jp-mlplat-Hint">{trans.__('Looking…')}</p>
          )}
          {isEmpty && !explorer.isLoading && explorer.error === null && (
            <NothingKnown />
          )}
          {explorer.isTruncated && (
            <p className="jp-mlplat-LineageView-note" role="status">
              {trans.__(
                'Only the nearest and newest are shown. Expand a node, or choose fewer steps.'
              )}
            </p>
          )}
        </div>
        {selected && (
          <NodeDetails
            explorer={explorer}
            node={selected}
            actions={actions}
            onClose={() => explorer.select(null)}
          />
        )}
      </div>
    </div>
  );
}

function Card(props: {
  node: INode;
  isRoot: boolean;
  upstream: number;
  downstream: number;
  direction: Direction;
  onExpand: (way: Way) => void;
}): JSX.Element {
  const { node } = props;
  const trans = useTrans();
  const arrow = (way: Way) =>
    props.direction === 'down'
      ? { upstream: '↑', downstream: '↓' }[way]
      : { upstream: '←', downstream: '→' }[way];
  const expander = (way: Way, count: number) =>
    count > 0 && (
      <button
        type="button"
        className="jp-mlplat-LineageCard-more nodrag nopan"
        data-way={way}
        title={
          way === 'upstream'
            ? trans.__('Show what it was made from')
            : trans.__('Show where it went')
        }
        aria-label={
          way === 'upstream'
            ? trans.__('Show %1 more that it was made from', count)
            : trans.__('Show %1 more that it went into', count)
        }
        onClick={event => {
          event.stopPropagation();
          props.onExpand(way);
        }}
        onDoubleClick={event => event.stopPropagation()}
      >
        <span aria-hidden="true">{arrow(way)}</span>
        {count}
      </button>
    );
  return (
    <div
      className="jp-mlplat-LineageCard"
      data-kind={node.kind}
      data-root={props.isRoot}
    >
      {expander('upstream', props.upstream)}
      <KindIcon kind={node.kind} />
      <span className="jp-mlplat-LineageCard-text">
        <span className="jp-mlplat-Lineage-name" title={nameOf(node)}>
          {nameOf(node)}
        </span>
        <span className="jp-mlplat-Lineage-caption">
          {captionOf(trans, node)}
        </span>
      </span>
      {expander('downstream', props.downstream)}
    </div>
  );
}

/** The nodes of the ways with the lines between them. */
function broughtOut(
  nodes: ReadonlySet<string>,
  edges: readonly IFlowEdge[]
): ReadonlySet<string> {
  const lines = edges
    .filter(({ source, target }) => nodes.has(source) && nodes.has(target))
    .map(({ source, target }) => edgeId(source, target));
  return new Set([...nodes, ...lines]);
}
