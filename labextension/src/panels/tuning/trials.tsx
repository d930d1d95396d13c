import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Trial, TrialState, TuneSpec } from '../../api/types';
import { useTrans, useWidth } from '../../components/context';
import { formatDuration } from '../../components/format';
import { Shape } from '../../components/shape';
import { Windowed, useRowFocus } from '../../components/windowed';
import { bestIcon, searchIcon, stateIcons } from '../../icons';
import { cellOf, markOf, valueText } from './facts';
import type { TrialColumn } from './facts';
import type { TuningWatch } from './watch';

/** All trials as a table: only the rows in sight exist, and as many columns as there is room for. */
export function TrialTable(props: {
  watch: TuningWatch;
  spec: TuneSpec;
  onOpen: (trial: number) => void;
}): JSX.Element {
  const { watch, spec } = props;
  const { table } = watch;
  const trans = useTrans();
  const frame = React.useRef<HTMLDivElement>(null);
  const list = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame, 320);
  const rows = table.rows(watch.trials);
  const best = watch.best?.number;
  const all = columnsOf(trans, spec, watch.trials);
  const columns = all.slice(
    0,
    Math.max(1, Math.floor((width - FIRST_WIDTH) / COLUMN_WIDTH))
  );
  const opened = rows.findIndex(
    ({ number }) => number === watch.selected?.number
  );
  const focus = useRowFocus(list, rows.length, ROW_HEIGHT, { opened });
  const sortOf = (column: TrialColumn) =>
    table.column !== column
      ? 'none'
      : table.isDescending
        ? 'descending'
        : 'ascending';
  const head = (column: TrialColumn, label: string, isFirst = false) => (
    <div
      key={column}
      role="columnheader"
      aria-sort={sortOf(column)}
      className={`jp-mlplat-Trials-cell${isFirst ? ' jp-mod-first' : ''}`}
    >
      <button
        type="button"
        className="jp-mlplat-Trials-head"
        title={trans.__('Sort by %1', label)}
        onClick={() =>
          table.sortBy(
            column,
            column === 'value'
              ? spec.objective.direction === 'maximize'
              : column === 'number'
          )
        }
      >
        <span>{label}</span>
        {table.column === column && (
          <span aria-hidden="true">{table.isDescending ? '↓' : '↑'}</span>
        )}
      </button>
    </div>
  );
  return (
    <div className="jp-mlplat-Trials" ref={frame} data-testid="mlplat-trials">
      <div className="jp-mlplat-Trials-bar">
        <div className="jp-mlplat-SearchBox">
          <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
          <input
            className="jp-mlplat-Input"
            type="search"
            aria-label={trans.__('Search the trials')}
            placeholder={trans.__('Search, such as depth=5')}
            value={table.text}
            onChange={event => table.narrow({ text: event.target.value })}
          />
        </div>
        <select
          className="jp-mlplat-Select"
          aria-label={trans.__('Show trials that')}
          value={table.state}
          onChange={event =>
            table.narrow({ state: event.target.value as TrialState | '' })
          }
        >
          <option value="">{trans.__('All states')}</option>
          {STATES.map(state => (
            <option key={state} value={state}>
              {trialLabel(trans, state)}
            </option>
          ))}
        </select>
      </div>
      <div
        role="table"
        aria-label={trans.__('Trials')}
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
      >
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className="jp-mlplat-Trials-heads">
            {head('number', trans.__('Trial'), true)}
            {columns.map(([column, label]) => head(column, label))}
          </div>
        </div>
        <Windowed
          ref={list}
          className="jp-mlplat-Trials-rows"
          role="rowgroup"
          label={trans.__('Trials')}
          count={rows.length}
          rowHeight={ROW_HEIGHT}
          entry={focus.entry}
          onKeyDown={event => {
            const next = focus.next(event.key);
            if (next !== null) {
              event.preventDefault();
              focus.goTo(next);
            }
          }}
          renderRow={index => {
            const trial = rows[index];
            return (
              <TrialRow
                key={trial.number}
                trial={trial}
                index={index}
                columns={columns}
                isBest={trial.number === best}
                isOpen={trial.number === watch.selected?.number}
                isEntry={index === focus.entry}
                onFocus={focus.setEntry}
                onOpen={props.onOpen}
              />
            );
          }}
        />
      </div>
      <p className="jp-mlplat-Hint" role="status">
        {[
          rows.length < watch.trials.length
            ? trans.__('%1 of %2 trials', rows.length, watch.trials.length)
            : trans._n('%1 trial', '%1 trials', rows.length),
          columns.length < all.length &&
            trans._n(
              '%1 column more where there is room',
              '%1 columns more where there is room',
              all.length - columns.length
            )
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </div>
  );
}

const TrialRow = React.memo(
  (props: {
    trial: Trial;
    index: number;
    columns: readonly (readonly [TrialColumn, string])[];
    isBest: boolean;
    isOpen: boolean;
    isEntry: boolean;
    onFocus: (index: number) => void;
    onOpen: (trial: number) => void;
  }): JSX.Element => {
    const { trial, index } = props;
    const trans = useTrans();
    return (
      <div
        role="row"
        aria-rowindex={index + 2}
        className="jp-mlplat-Trials-row"
        data-open={props.isOpen}
        data-best={props.isBest}
        style={{ height: ROW_HEIGHT }}
      >
        <div role="cell" className="jp-mlplat-Trials-cell jp-mod-first">
          <button
            type="button"
            className="jp-mlplat-Trials-open"
            data-trial={trial.number}
            data-state={trial.state}
            data-index={index}
            tabIndex={props.isEntry ? 0 : -1}
            aria-pressed={props.isOpen}
            onFocus={() => props.onFocus(index)}
            onClick={() => props.onOpen(trial.number)}
          >
            <TrialIcon state={trial.state} />
            <span>{trial.number}</span>
            {props.isBest && (
              <span
                className="jp-mlplat-Trials-best"
                role="img"
                aria-label={trans.__('the best')}
                title={trans.__('the best')}
              >
                <Shape icon={bestIcon} />
              </span>
            )}
          </button>
        </div>
        {props.columns.map(([column]) => {
          const value = cellOf(trial, column);
          const text =
            column === 'duration' && typeof value === 'number'
              ? formatDuration(value)
              : valueText(value);
          return (
            <div
              key={column}
              role="cell"
              className="jp-mlplat-Trials-cell"
              data-objective={column === 'value'}
              title={text}
            >
              {text}
            </div>
          );
        })}
      </div>
    );
  }
);

TrialRow.displayName = 'TrialRow';

/** A trial's state as a shape, with its name for those who do not see it. */
export function TrialIcon(props: { state: TrialState }): JSX.Element {
  const trans = useTrans();
  const mark = markOf(props.state);
  const label = trialLabel(trans, props.state);
  return (
    <span
      className="jp-mlplat-State"
      data-state={mark}
      role="img"
      aria-label={label}
      title={label}
    >
      <Shape icon={stateIcons[mark]} />
    </span>
  );
}

/** A trial's state for people. */
export function trialLabel(
  trans: TranslationBundle,
  state: TrialState
): string {
  switch (state) {
    case 'Pending':
      return trans.__('Waiting');
    case 'Running':
      return trans.__('Running');
    case 'Succeeded':
      return trans.__('Succeeded');
    case 'Failed':
      return trans.__('Failed');
    case 'Killed':
      return trans.__('Stopped');
    case 'EarlyStopped':
      return trans.__('Stopped early');
    case 'MetricsUnavailable':
      return trans.__('Without its metric');
  }
}

function columnsOf(
  trans: TranslationBundle,
  spec: TuneSpec,
  trials: readonly Trial[]
): (readonly [TrialColumn, string])[] {
  const { metric } = spec.objective;
  const metrics = new Set(
    trials.slice(0, LOOKED_AT).flatMap(trial => Object.keys(trial.metrics))
  );
  metrics.delete(metric);
  return [
    ['value', metric],
    ...spec.space.map(
      ({ name }) => [`parameter:${name}`, name] as [TrialColumn, string]
    ),
    ...[...metrics].map(
      name => [`metric:${name}`, name] as [TrialColumn, string]
    ),
    ['duration', trans.__('Took')]
  ];
}

const STATES: readonly TrialState[] = [
  'Running',
  'Succeeded',
  'Failed',
  'EarlyStopped',
  'Killed',
  'MetricsUnavailable',
  'Pending'
];
const ROW_HEIGHT = 28;
const FIRST_WIDTH = 86;
const COLUMN_WIDTH = 68;
const LOOKED_AT = 50;
