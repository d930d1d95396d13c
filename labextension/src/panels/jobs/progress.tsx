import * as React from 'react';

import { isFinal } from '../../api/states';
import type { AnyState } from '../../api/states';
import type { Progress, Run } from '../../api/types';
import { useTrans } from '../../components/context';
import { formatAge, formatDuration } from '../../components/format';
import { StateIcon, stateLabel } from '../../components/state';
import { remainingOf } from './remaining';

/** A thin line at the foot of a row. */
export function ProgressLine(props: {
  progress: Progress | null;
}): JSX.Element | null {
  const trans = useTrans();
  const fraction = props.progress?.fraction ?? null;
  return fraction === null ? null : (
    <div
      className="jp-mlplat-StepBar"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * fraction)}
    >
      <div style={{ width: `${100 * fraction}%` }} />
    </div>
  );
}

/** How a job goes: its state, how far it is, how long it will take, and what it said last. */
export function JobSummary(props: {
  run: Run;
  nowMs: number;
  progress: Progress | null;

  /** Counted from something else than what the job says, such as trials. */
  fraction?: number | null;
  facts?: readonly (string | null | false)[];
}): JSX.Element {
  const { run, progress, nowMs } = props;
  const trans = useTrans();
  const state = run.state as AnyState;
  const isOver = isFinal(state);
  const seconds =
    run.duration_s ??
    (run.started_at ? (nowMs - Date.parse(run.started_at)) / 1000 : 0);
  const fraction = props.fraction ?? progress?.fraction ?? null;
  const remaining = isOver ? null : remainingOf(progress, nowMs);
  const waiting = run.tasks.find(task => task.waiting_for)?.waiting_for;
  return (
    <div className="jp-mlplat-Summary">
      <div className="jp-mlplat-Summary-state" role="status">
        <StateIcon state={state} />
        <strong>{stateLabel(trans, state)}</strong>
        <span className="jp-mlplat-Summary-facts">
          {[
            formatDuration(Math.max(0, seconds)),
            ...(props.facts ?? []),
            formatAge(run.created_at, nowMs)
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <div
        className="jp-mlplat-Progress jp-mod-thick"
        role="progressbar"
        aria-label={trans.__('Progress')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={
          fraction === null ? undefined : Math.round(100 * fraction)
        }
        data-state={state}
        data-unknown={fraction === null && state === 'RUNNING'}
      >
        <div
          className="jp-mlplat-Progress-bar"
          style={{
            width: `${100 * (state === 'SUCCEEDED' ? 1 : (fraction ?? 0))}%`
          }}
        />
      </div>
      {(fraction !== null || remaining !== null) && !isOver && (
        <div className="jp-mlplat-JobProgress">
          <span>
            {fraction === null
              ? ''
              : trans.__('%1 %', Math.floor(100 * fraction))}
          </span>
          <span>
            {remaining === null
              ? ''
              : trans.__('%1 left', formatDuration(remaining))}
          </span>
        </div>
      )}
      {!isOver && waiting && (
        <p className="jp-mlplat-Hint">{trans.__('Waits for %1.', waiting)}</p>
      )}
      {progress?.message && (
        <p className="jp-mlplat-Hint jp-mlplat-JobProgress-message">
          {progress.message}
        </p>
      )}
    </div>
  );
}
