import * as React from 'react';

import type { ScheduleStatus } from '../../api/types';
import { useTrans } from '../../components/context';
import { StateIcon } from '../../components/state';
import { pauseIcon } from '../../icons';
import type { ISchedulesActions } from './body';
import { firingLabel, formatMoment, markOf } from './times';

/** A schedule in the list: what it runs, when, and how it went the last time. */
export function ScheduleRow(props: {
  status: ScheduleStatus;
  actions: ISchedulesActions;
  shortPath: (path: string) => string;
}): JSX.Element {
  const { status } = props;
  const { schedule, last } = status;
  const trans = useTrans();
  const now = Date.now();
  return (
    <li>
      <button
        type="button"
        className="jp-mlplat-ScheduleRow"
        data-schedule={schedule.name}
        data-paused={schedule.paused === true}
        onClick={() => props.actions.open(schedule.name)}
      >
        {schedule.paused ? (
          <span
            className="jp-mlplat-State"
            data-state="SKIPPED"
            role="img"
            aria-label={trans.__('Paused')}
            title={trans.__('Paused')}
          >
            <pauseIcon.react tag="span" />
          </span>
        ) : (
          <StateIcon state={markOf(status)} />
        )}
        <span className="jp-mlplat-ScheduleRow-text">
          <span className="jp-mlplat-ScheduleRow-head">
            <span className="jp-mlplat-ScheduleRow-name">{schedule.name}</span>
            <span className="jp-mlplat-ScheduleRow-next">
              {schedule.paused
                ? trans.__('Paused')
                : status.next.length > 0
                  ? formatMoment(status.next[0], now)
                  : ''}
            </span>
          </span>
          <span className="jp-mlplat-ScheduleRow-line">{status.reading}</span>
          <span className="jp-mlplat-ScheduleRow-line">
            <span title={schedule.work.path ?? undefined}>
              {schedule.work.path
                ? props.shortPath(schedule.work.path)
                : schedule.work.title}
            </span>
            {last && (
              <span className="jp-mlplat-ScheduleRow-last">
                {trans.__(
                  '%1, %2',
                  firingLabel(trans, last),
                  formatMoment(last.planned_at, now)
                )}
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}
