import * as React from 'react';

import { isElsewhere } from '../../api/places';
import { isFinal } from '../../api/states';
import type { RunSummary } from '../../api/types';
import { useNow, useTrans } from '../../components/context';
import {
  formatAge,
  formatDuration,
  formatNumber
} from '../../components/format';
import { StateIcon } from '../../components/state';

/** What a row lets a user do; the same functions for all rows, so that rows stay as they are. */
export interface IRowActions {
  open: (run: string) => void;

  /** Choose a row or let it go; with `isStretch`, all rows up to it. */
  choose: (index: number, isStretch: boolean) => void;
  focus: (index: number) => void;
}

interface IRowProps {
  run: RunSummary;
  index: number;
  count: number;

  /** The minute it is, so that ages are right without every row having a clock. */
  minuteMs: number;

  /** Names of the metrics that have a column, one a line; null: there are no columns. */
  columns: string | null;
  isChoosing: boolean;
  isChosen: boolean;

  /** Whether the Tab key comes here. */
  isEntry: boolean;
  actions: IRowActions;
}

/** One run in the list. Drawn anew only when something of it has changed. */
export const RunRow = React.memo((props: IRowProps): JSX.Element => {
  const { run, actions, index } = props;
  const trans = useTrans();
  const isActive = !isFinal(run.state);
  const second = useNow(1000, isActive);
  const nowMs = isActive ? second : props.minuteMs;
  const seconds =
    run.duration_s ??
    (run.started_at ? (nowMs - Date.parse(run.started_at)) / 1000 : null);
  const duration = seconds === null ? '' : formatDuration(Math.max(0, seconds));
  const columns = props.columns?.split('\n').filter(Boolean) ?? null;
  const isTracked = run.kind === 'tracked'; // its code runs elsewhere: no steps
  const steps = isTracked
    ? trans.__('tracked')
    : isActive
      ? trans.__('%1 of %2 steps', run.tasks_done, run.tasks_total)
      : run.state === 'FAILED' && run.failed_step
        ? trans.__('failed at %1', run.failed_step)
        : run.tasks_cached > 0
          ? trans.__('%1 of %2 cached', run.tasks_cached, run.tasks_total)
          : trans._n('%1 step', '%1 steps', run.tasks_total);
  const age = formatAge(run.created_at, nowMs);
  return (
    <div
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={props.count}
      className="jp-mlplat-RunRow"
      data-chosen={props.isChosen}
      style={{ height: ROW_HEIGHT }}
    >
      {props.isChoosing && (
        <input
          type="checkbox"
          className="jp-mlplat-RunRow-check"
          tabIndex={-1}
          aria-label={trans.__('Choose run %1', run.number)}
          checked={props.isChosen}
          onChange={event =>
            actions.choose(
              index,
              (event.nativeEvent as MouseEvent).shiftKey === true
            )
          }
        />
      )}
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-RunRow-button"
        data-state={run.state}
        data-run={run.id}
        data-index={index}
        tabIndex={props.isEntry ? 0 : -1}
        aria-pressed={props.isChoosing ? props.isChosen : undefined}
        onFocus={() => actions.focus(index)}
        onClick={event => {
          if (event.shiftKey) {
            actions.choose(index, true);
          } else if (props.isChoosing || event.ctrlKey || event.metaKey) {
            actions.choose(index, false);
          } else {
            actions.open(run.id);
          }
        }}
      >
        <StateIcon state={run.state} />
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name">
              {run.title || run.pipeline}
            </span>
            <span className="jp-mlplat-RunRow-number">#{run.number}</span>
            <Tags tags={run.tags} />
            {columns === null && (
              <span className="jp-mlplat-RunRow-duration">{duration}</span>
            )}
          </span>
          <span className="jp-mlplat-Row-foot">
            <span className="jp-mlplat-Row-facts jp-mlplat-RunRow-facts">
              {[steps, isElsewhere(run) && run.place, columns === null && age]
                .filter(Boolean)
                .join(' · ')}
            </span>
            {run.note && (
              <span
                className="jp-mlplat-Row-facts jp-mlplat-RunRow-note"
                title={run.note}
              >
                {run.note}
              </span>
            )}
            {columns === null && <Metrics metrics={run.metrics} />}
          </span>
        </span>
        {columns !== null && (
          <>
            {columns.map(name => (
              <span
                key={name}
                className="jp-mlplat-Row-facts jp-mlplat-RunRow-cell"
                title={`${name} = ${run.metrics[name] ?? '–'}`}
              >
                {run.metrics[name] === undefined
                  ? '–'
                  : formatNumber(run.metrics[name])}
              </span>
            ))}
            <span className="jp-mlplat-Row-facts jp-mlplat-RunRow-cell">
              {duration}
            </span>
            <span className="jp-mlplat-Row-facts jp-mlplat-RunRow-cell jp-mod-age">
              {age}
            </span>
          </>
        )}
        {isActive && !isTracked && (
          <StepBar
            done={run.tasks_done}
            total={run.tasks_total}
            label={trans.__('Steps done')}
          />
        )}
      </button>
    </div>
  );
});

RunRow.displayName = 'RunRow';

/** A row that is still to come. */
export function EmptyRow(): JSX.Element {
  return (
    <div
      className="jp-mlplat-RunRow jp-mod-empty"
      role="presentation"
      style={{ height: ROW_HEIGHT }}
    >
      <span />
      <span />
    </div>
  );
}

function Tags(props: { tags: Readonly<Record<string, string>> }): JSX.Element {
  const tags = Object.entries(props.tags);
  return (
    <>
      {tags.slice(0, SHOWN_TAGS).map(([name, value]) => (
        <span key={name} className="jp-mlplat-Tag" title={`${name} = ${value}`}>
          {value || name}
        </span>
      ))}
      {tags.length > SHOWN_TAGS && (
        <span
          className="jp-mlplat-Tag"
          title={tags.map(tag => tag.join(' = ')).join('\n')}
        >
          +{tags.length - SHOWN_TAGS}
        </span>
      )}
    </>
  );
}

function Metrics(props: {
  metrics: Readonly<Record<string, number>>;
}): JSX.Element {
  return (
    <span className="jp-mlplat-Row-metrics">
      {Object.entries(props.metrics)
        .slice(0, SHOWN_METRICS)
        .map(([name, value]) => (
          <span key={name} title={`${name} = ${value}`}>
            {name} <b>{formatNumber(value)}</b>
          </span>
        ))}
    </span>
  );
}

/** One piece a step, as long as pieces can be told apart. */
function StepBar(props: {
  done: number;
  total: number;
  label: string;
}): JSX.Element {
  const { done, total } = props;
  return (
    <div
      className="jp-mlplat-StepBar"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      data-pieces={total <= MOST_PIECES}
      style={{ '--jp-mlplat-pieces': total } as React.CSSProperties}
    >
      <div style={{ width: `${total === 0 ? 0 : (100 * done) / total}%` }} />
    </div>
  );
}

export const ROW_HEIGHT = 52;

/** What fits into the width of a side panel. */
const SHOWN_METRICS = 2;
const SHOWN_TAGS = 2;
const MOST_PIECES = 24;
