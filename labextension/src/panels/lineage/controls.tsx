import * as React from 'react';

import { IconButton, Prose } from '../../components/basics';
import { useTrans } from '../../components/context';
import { closeIcon } from '../../icons';
import { EVERY_STEP } from './explorer';
import type { LineageExplorer } from './explorer';
import { KINDS, columnsOf } from './facts';
import { KindIcon, kindsLabel, sentenceOf } from './labels';
import type { Direction } from './tree';
import { nameOf } from './ways';

/** What of the graph is shown: kinds, direction, depth, the cache. */
export function Filters(props: { explorer: LineageExplorer }): JSX.Element {
  const { explorer } = props;
  const trans = useTrans();
  const present = new Set(explorer.facts.nodes().map(node => node.kind));
  const shown = KINDS.filter(
    kind => present.has(kind) || explorer.hidden.has(kind)
  );
  return (
    <div
      className="jp-mlplat-Lineage-filters"
      role="group"
      aria-label={trans.__('What is shown')}
    >
      <div className="jp-mlplat-Lineage-kinds">
        {shown.map(kind => {
          const isHidden = explorer.hidden.has(kind);
          return (
            <button
              key={kind}
              type="button"
              className="jp-mlplat-Lineage-kind"
              aria-pressed={!isHidden}
              title={
                isHidden
                  ? trans.__('Show %1', kindsLabel(trans, kind))
                  : trans.__('Pass over %1', kindsLabel(trans, kind))
              }
              onClick={() => explorer.setHidden(kind, !isHidden)}
            >
              <KindIcon kind={kind} />
              <span>{kindsLabel(trans, kind)}</span>
            </button>
          );
        })}
      </div>
      <select
        className="jp-mlplat-Select"
        aria-label={trans.__('Direction')}
        value={explorer.direction}
        onChange={event =>
          void explorer.setDirection(event.target.value as Direction)
        }
      >
        <option value="both">{trans.__('Both ways')}</option>
        <option value="upstream">{trans.__('Made from')}</option>
        <option value="downstream">{trans.__('Went into')}</option>
      </select>
      <select
        className="jp-mlplat-Select"
        aria-label={trans.__('Depth')}
        value={explorer.depth}
        onChange={event => void explorer.setDepth(Number(event.target.value))}
      >
        {[1, 2, 3, 5, 10].map(depth => (
          <option key={depth} value={depth}>
            {trans._n('%1 step', '%1 steps', depth)}
          </option>
        ))}
        <option value={EVERY_STEP}>{trans.__('All steps')}</option>
      </select>
      <label className="jp-mlplat-Check">
        <input
          type="checkbox"
          checked={explorer.withCached}
          onChange={event => void explorer.setWithCached(event.target.checked)}
        />
        {trans.__('Steps from the cache')}
      </label>
    </div>
  );
}

/** The two ends of the ways that are brought out, and what these ways say. */
export function TraceBar(props: {
  explorer: LineageExplorer;
}): JSX.Element | null {
  const { explorer } = props;
  const trans = useTrans();
  const { trace, facts, ways } = explorer;
  if (trace.from === null && trace.to === null) {
    return null;
  }
  const from = facts.node(trace.from ?? '');
  const to = facts.node(trace.to ?? '');
  const columns = columnsOf(from);
  return (
    <div
      className="jp-mlplat-Lineage-trace"
      role="group"
      aria-label={trans.__('Ways')}
      data-testid="mlplat-lineage-trace"
    >
      <div className="jp-mlplat-Lineage-ends">
        <span className="jp-mlplat-Lineage-end" data-empty={!from}>
          {from ? nameOf(from) : trans.__('from: choose a node')}
        </span>
        {columns && (
          <select
            className="jp-mlplat-Select"
            aria-label={trans.__('Column')}
            value={trace.column ?? ''}
            onChange={event =>
              void explorer.setTrace({ column: event.target.value || null })
            }
          >
            <option value="">{trans.__('whole table')}</option>
            {columns.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        <span aria-hidden="true">→</span>
        <span className="jp-mlplat-Lineage-end" data-empty={!to}>
          {to ? nameOf(to) : trans.__('to: choose a node')}
        </span>
        <IconButton
          icon={closeIcon}
          label={trans.__('Stop bringing out ways')}
          onClick={() =>
            void explorer.setTrace({ from: null, to: null, column: null })
          }
        />
      </div>
      <div className="jp-mlplat-Lineage-sentence" role="status">
        {ways ? (
          <Prose text={sentenceOf(trans, facts, trace, ways)} />
        ) : (
          trans.__(
            'Select the other end, then press “Way from here” or “Way to here”.'
          )
        )}
      </div>
    </div>
  );
}
