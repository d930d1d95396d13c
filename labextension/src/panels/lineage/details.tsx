import * as React from 'react';

import { Button, Code, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatBytes, formatDuration } from '../../components/format';
import {
  closeIcon,
  downloadIcon,
  jumpIcon,
  lineageIcon,
  modelsIcon,
  runsIcon
} from '../../icons';
import type { ILineageActions } from './actions';
import type { LineageExplorer } from './explorer';
import { columnsOf, textOf } from './facts';
import type { INode, Way } from './facts';
import { KindIcon, captionOf, kindLabel } from './labels';
import { nameOf } from './ways';

/** All that is known of one node, with the ways on from here. */
export function NodeDetails(props: {
  explorer: LineageExplorer;
  node: INode;
  actions: ILineageActions;
  onClose: () => void;
}): JSX.Element {
  const { explorer, node, actions } = props;
  const trans = useTrans();
  const run = node.run;
  const isRoot = explorer.roots.includes(node.id);
  return (
    <section
      className="jp-mlplat-Lineage-details"
      aria-label={trans.__('Details of %1', nameOf(node))}
      data-testid="mlplat-lineage-details"
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onClose();
        }
      }}
    >
      <div className="jp-mlplat-Lineage-detailsHead">
        <KindIcon kind={node.kind} />
        <h3 className="jp-mlplat-Lineage-detailsTitle" title={nameOf(node)}>
          {nameOf(node)}
        </h3>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close')}
          onClick={props.onClose}
        />
      </div>
      <div className="jp-mlplat-Lineage-actions">
        {run && (
          <Button
            icon={runsIcon}
            label={trans.__('Open run #%1', run.number)}
            onClick={() => actions.openRun(run.id)}
          />
        )}
        {node.uses.map(use => (
          <Button
            key={`${use.model}/${use.version}`}
            icon={modelsIcon}
            label={trans.__('Open %1', `${use.model}/${use.version}`)}
            onClick={() => actions.openModel(use.model)}
          />
        ))}
        {node.artifact?.digest && (
          <Button
            icon={downloadIcon}
            label={trans.__('Download')}
            title={trans.__(
              '%1, as it was saved',
              formatBytes(node.artifact.size_bytes)
            )}
            onClick={() => actions.download(node.id)}
          />
        )}
        {!isRoot && (
          <Button
            icon={lineageIcon}
            label={trans.__('Start here')}
            title={trans.__('Show the lineage of this instead')}
            onClick={() => actions.show({ subject: node.id })}
          />
        )}
      </div>
      {node.execution ? <StepFacts {...props} /> : <ThingFacts {...props} />}
      <TraceButtons explorer={explorer} node={node} />
    </section>
  );
}

function StepFacts(props: {
  explorer: LineageExplorer;
  node: INode;
  actions: ILineageActions;
}): JSX.Element | null {
  const { explorer, node, actions } = props;
  const trans = useTrans();
  const { execution, run } = node;
  if (!execution) {
    return null;
  }
  const { code, started_at, finished_at } = execution;
  const seconds =
    started_at && finished_at
      ? (Date.parse(finished_at) - Date.parse(started_at)) / 1000
      : null;
  const cells = Object.keys(code.cells);
  const parameters = Object.entries(execution.parameters);
  return (
    <dl className="jp-mlplat-Facts">
      <dt>{trans.__('Ran')}</dt>
      <dd>
        {captionOf(trans, node)}
        {run && <> · {run.pipeline}</>}
        {finished_at && <> · {new Date(finished_at).toLocaleString()}</>}
        {seconds !== null && seconds > 0 && <> · {formatDuration(seconds)}</>}
      </dd>
      {cells.length > 0 && (
        <>
          <dt>{trans._n('Cell', 'Cells', cells.length)}</dt>
          <dd className="jp-mlplat-Lineage-links">
            {cells.map(cell => (
              <button
                key={cell}
                type="button"
                className="jp-mlplat-Link"
                title={trans.__('Go to this cell')}
                onClick={() => actions.goToCell(run?.notebook ?? null, cell)}
              >
                <jumpIcon.react tag="span" className="jp-mlplat-Link-icon" />
                {cell}
              </button>
            ))}
          </dd>
        </>
      )}
      <Neighbours
        label={trans.__('Read')}
        explorer={explorer}
        node={node}
        way="upstream"
      />
      <Neighbours
        label={trans.__('Made')}
        explorer={explorer}
        node={node}
        way="downstream"
      />
      {parameters.length > 0 && (
        <>
          <dt>{trans.__('Parameters')}</dt>
          <dd>
            {parameters.map(([name, value]) => (
              <div key={name}>
                <Code>{`${name} = ${JSON.stringify(value)}`}</Code>
              </div>
            ))}
          </dd>
        </>
      )}
      {code.git_commit && (
        <>
          <dt>{trans.__('Git')}</dt>
          <dd>
            <Code>{code.git_commit.slice(0, 10)}</Code>
            {code.git_dirty ? ` ${trans.__('with changes')}` : ''}
          </dd>
        </>
      )}
      {code.environment && (
        <>
          <dt>{trans.__('Environment')}</dt>
          <dd>
            <Code>{shortDigest(code.environment)}</Code>
          </dd>
        </>
      )}
    </dl>
  );
}

function ThingFacts(props: {
  explorer: LineageExplorer;
  node: INode;
  actions: ILineageActions;
}): JSX.Element | null {
  const { explorer, node, actions } = props;
  const trans = useTrans();
  const { artifact } = node;
  if (!artifact) {
    return null;
  }
  const type = textOf(node, 'type') || artifact.type;
  const preview = textOf(node, 'preview');
  const endpoints = [...new Set(node.uses.flatMap(use => use.endpoints))];
  const columns = columnsOf(node);
  return (
    <dl className="jp-mlplat-Facts">
      <dt>{kindLabel(trans, node.kind)}</dt>
      <dd>
        {type}
        {preview && preview !== type && <> · {preview}</>}
      </dd>
      <dt>{trans.__('Saved')}</dt>
      <dd>
        {formatBytes(artifact.size_bytes)}
        {artifact.codec && <> · {artifact.codec}</>} ·{' '}
        {new Date(artifact.created_at).toLocaleString()}
      </dd>
      {artifact.digest && (
        <>
          <dt>{trans.__('Digest')}</dt>
          <dd title={artifact.digest}>
            <Code>{shortDigest(artifact.digest)}</Code>
          </dd>
        </>
      )}
      {node.uses.length > 0 && (
        <>
          <dt>{trans.__('Registered')}</dt>
          <dd>
            {node.uses.map(use => (
              <div key={`${use.model}/${use.version}`}>
                {`${use.model}/${use.version}`}
                {use.aliases.map(alias => (
                  <span key={alias} className="jp-mlplat-Lineage-chip">
                    @{alias}
                  </span>
                ))}
              </div>
            ))}
          </dd>
        </>
      )}
      {endpoints.length > 0 && (
        <>
          <dt>{trans._n('Endpoint', 'Endpoints', endpoints.length)}</dt>
          <dd className="jp-mlplat-Lineage-links">
            {endpoints.map(endpoint => (
              <button
                key={endpoint}
                type="button"
                className="jp-mlplat-Link"
                onClick={() => actions.openEndpoint(endpoint)}
              >
                {endpoint}
              </button>
            ))}
          </dd>
        </>
      )}
      <Neighbours
        label={trans.__('Made by')}
        explorer={explorer}
        node={node}
        way="upstream"
      />
      <Neighbours
        label={trans.__('Used by')}
        explorer={explorer}
        node={node}
        way="downstream"
      />
      {columns && <Columns explorer={explorer} node={node} names={columns} />}
    </dl>
  );
}

/** The columns of a table; one of them can be followed. */
function Columns(props: {
  explorer: LineageExplorer;
  node: INode;
  names: readonly string[];
}): JSX.Element {
  const { explorer, node, names } = props;
  const trans = useTrans();
  const { trace } = explorer;
  return (
    <>
      <dt>{trans._n('Column', 'Columns', names.length)}</dt>
      <dd className="jp-mlplat-Lineage-columns">
        {names.map(name => {
          const isFollowed =
            trace.column === name &&
            (trace.from === node.id || trace.to === node.id);
          return (
            <button
              key={name}
              type="button"
              className="jp-mlplat-Lineage-column"
              aria-pressed={isFollowed}
              title={trans.__('Follow %1 by its name', name)}
              onClick={() =>
                void (isFollowed
                  ? explorer.setTrace({ from: null, to: null, column: null })
                  : explorer.followColumn(node.id, name))
              }
            >
              {name}
            </button>
          );
        })}
      </dd>
    </>
  );
}

function Neighbours(props: {
  label: string;
  explorer: LineageExplorer;
  node: INode;
  way: Way;
}): JSX.Element | null {
  const { explorer, node, way } = props;
  const trans = useTrans();
  const nodes = explorer.facts
    .next(node.id, way)
    .map(id => explorer.facts.node(id))
    .filter((other): other is INode => other !== null);
  const more = explorer.facts.beyond(node.id, way);
  if (nodes.length + more === 0) {
    return null;
  }
  return (
    <>
      <dt>{props.label}</dt>
      <dd className="jp-mlplat-Lineage-links">
        {nodes.slice(0, MOST_LINKS).map(other => (
          <button
            key={other.id}
            type="button"
            className="jp-mlplat-Link"
            onClick={() => explorer.select(other.id)}
          >
            {nameOf(other)}
            {other.run && (
              <span className="jp-mlplat-Quiet"> #{other.run.number}</span>
            )}
          </button>
        ))}
        {more + Math.max(0, nodes.length - MOST_LINKS) > 0 && (
          <button
            type="button"
            className="jp-mlplat-Link"
            onClick={() => void explorer.expand([node.id], way)}
          >
            {trans.__('%1 more', more + Math.max(0, nodes.length - MOST_LINKS))}
          </button>
        )}
      </dd>
    </>
  );
}

function TraceButtons(props: {
  explorer: LineageExplorer;
  node: INode;
}): JSX.Element {
  const { explorer, node } = props;
  const trans = useTrans();
  const { from, to } = explorer.trace;
  return (
    <div
      className="jp-mlplat-Lineage-actions"
      role="group"
      aria-label={trans.__('Ways')}
    >
      <Button
        label={
          from === node.id
            ? trans.__('Way starts here')
            : trans.__('Way from here')
        }
        title={trans.__('Bring out all ways from here to another node')}
        isDisabled={from === node.id}
        onClick={() =>
          void explorer.setTrace({
            from: node.id,
            ...(to === node.id ? { to: null } : {})
          })
        }
      />
      <Button
        label={
          to === node.id ? trans.__('Way ends here') : trans.__('Way to here')
        }
        title={trans.__('Bring out all ways from another node to here')}
        isDisabled={to === node.id}
        onClick={() =>
          void explorer.setTrace({
            to: node.id,
            ...(from === node.id ? { from: null } : {})
          })
        }
      />
    </div>
  );
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

const MOST_LINKS = 12;
