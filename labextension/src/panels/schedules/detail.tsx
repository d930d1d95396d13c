import * as React from 'react';

import type { Firing, ScheduleStatus } from '../../api/types';
import { Button, Code, IconButton, Scroll } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { StateIcon } from '../../components/state';
import {
  backIcon,
  backfillIcon,
  pauseIcon,
  playIcon,
  settingsIcon,
  trashIcon
} from '../../icons';
import type { ISchedulesActions } from './body';
import {
  causeLabel,
  firingLabel,
  formatMoment,
  formatUntil,
  stateOf
} from './times';

/** One schedule: what it runs and when, its next times, what became of the past ones. */
export function ScheduleDetail(props: {
  status: ScheduleStatus;
  firings: readonly Firing[];
  hasMore: boolean;
  actions: ISchedulesActions;
  shortPath: (path: string) => string;
  onMore: () => void;
}): JSX.Element {
  const { status, firings, actions } = props;
  const { schedule } = status;
  const { name, work } = schedule;
  const trans = useTrans();
  const parameters = Object.entries(work.parameters ?? {});
  const isTimed = ['cron', 'interval'].includes(schedule.trigger.kind ?? '');
  return (
    <>
      <div className="jp-mlplat-Header">
        <IconButton
          icon={backIcon}
          isFocusedAtFirst
          label={trans.__('Back to all schedules')}
          onClick={() => actions.open(null)}
        />
        <div className="jp-mlplat-Header-text">
          <h2 className="jp-mlplat-Header-title">{name}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {schedule.paused ? trans.__('Paused') : status.reading}
          </div>
        </div>
        <div className="jp-mlplat-Header-actions">
          <Button
            kind="primary"
            icon={playIcon}
            label={trans.__('Run now')}
            title={trans.__('Fire once, whatever is planned')}
            onClick={() => actions.runNow(name)}
          />
        </div>
      </div>
      <Scroll>
        <div className="jp-mlplat-Schedule">
          <div className="jp-mlplat-Schedule-actions">
            {schedule.paused ? (
              <Button
                icon={playIcon}
                label={trans.__('Resume')}
                onClick={() => actions.resume(name)}
              />
            ) : (
              <Button
                icon={pauseIcon}
                label={trans.__('Pause')}
                onClick={() => actions.pause(name)}
              />
            )}
            <IconButton
              icon={settingsIcon}
              label={trans.__('Change what it runs, and when')}
              onClick={() => actions.edit(name)}
            />
            {isTimed && (
              <IconButton
                icon={backfillIcon}
                label={trans.__('Back-fill a stretch of the past')}
                onClick={() => actions.backfill(name)}
              />
            )}
            <IconButton
              icon={trashIcon}
              label={trans.__('Delete this schedule')}
              onClick={() => actions.delete(name)}
            />
          </div>
          {schedule.note && (
            <p className="jp-mlplat-Schedule-note">{schedule.note}</p>
          )}
          <dl className="jp-mlplat-Facts">
            <dt>{trans.__('Runs')}</dt>
            <dd title={work.path ?? undefined}>
              {work.path ? props.shortPath(work.path) : work.title}
            </dd>
            <dt>{trans.__('When')}</dt>
            <dd>{status.reading}</dd>
            {parameters.length > 0 && (
              <>
                <dt>{trans.__('With')}</dt>
                <dd>
                  {parameters.map(([parameter, value]) => (
                    <div key={parameter}>
                      {parameter} = <Code>{JSON.stringify(value)}</Code>
                    </div>
                  ))}
                </dd>
              </>
            )}
            {(schedule.table ?? []).length > 0 && (
              <>
                <dt>{trans.__('Each time')}</dt>
                <dd>
                  {trans._n(
                    '%1 run, for the row of its table',
                    '%1 runs, one for each row of its table',
                    (schedule.table ?? []).length
                  )}
                </dd>
              </>
            )}
          </dl>
          <Upcoming status={status} isTimed={isTimed} />
          <h3 className="jp-mlplat-Schedule-heading">{trans.__('History')}</h3>
          {firings.length === 0 ? (
            <p className="jp-mlplat-Hint">
              {trans.__('It has not fired yet.')}
            </p>
          ) : (
            <ul
              className="jp-mlplat-Firings"
              aria-label={trans.__('What became of its times')}
            >
              {firings.map(firing => (
                <FiringRow
                  isWhole={work.whole === true}
                  key={`${firing.key}/${firing.row}`}
                  firing={firing}
                  actions={actions}
                />
              ))}
            </ul>
          )}
          {props.hasMore && (
            <div className="jp-mlplat-Schedule-more">
              <Button
                label={trans.__('Show older ones')}
                onClick={props.onMore}
              />
            </div>
          )}
        </div>
      </Scroll>
    </>
  );
}

/** The next five times, in the reader's own time. */
function Upcoming(props: {
  status: ScheduleStatus;
  isTimed: boolean;
}): JSX.Element | null {
  const { status, isTimed } = props;
  const trans = useTrans();
  const now = Date.now();
  if (!isTimed) {
    return null;
  }
  return (
    <>
      <h3 className="jp-mlplat-Schedule-heading">{trans.__('Next')}</h3>
      {status.next.length > 0 ? (
        <ol
          className="jp-mlplat-NextTimes"
          aria-label={trans.__('Next times, in your time zone')}
        >
          {status.next.map(time => (
            <li key={time}>
              <time dateTime={time}>{formatMoment(time, now)}</time>
              <span className="jp-mlplat-NextTimes-until">
                {formatUntil(time, now)}
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p className="jp-mlplat-Hint">
          {status.schedule.paused
            ? trans.__('None while it is paused.')
            : trans.__('None: its end is past.')}
        </p>
      )}
    </>
  );
}

function FiringRow(props: {
  isWhole: boolean;
  firing: Firing;
  actions: ISchedulesActions;
}): JSX.Element {
  const { firing } = props;
  const trans = useTrans();
  const cause = causeLabel(trans, firing);
  const facts = [
    firingLabel(trans, firing),
    cause,
    firing.fired_at && firing.finished_at
      ? formatDuration(
          (Date.parse(firing.finished_at) - Date.parse(firing.fired_at)) / 1000
        )
      : null,
    firing.tries > 1 ? trans.__('%1 tries', firing.tries) : null
  ].filter(fact => fact);
  const unsent = Object.entries(firing.notified).filter(
    ([, said]) => said !== 'sent'
  );
  return (
    <li className="jp-mlplat-Firing" data-state={firing.state}>
      <StateIcon state={stateOf(firing.state)} />
      <div className="jp-mlplat-Firing-text">
        <div className="jp-mlplat-Firing-head">
          <time dateTime={firing.planned_at}>
            {formatMoment(firing.planned_at, Date.now())}
          </time>
          {firing.run_id !== null && (
            <button
              type="button"
              className="jp-mlplat-Link"
              data-run={firing.run_id}
              onClick={() => props.actions.openRun(firing.run_id ?? '')}
            >
              {trans.__('Run %1', firing.run_number ?? '')}
            </button>
          )}
        </div>
        <div className="jp-mlplat-Firing-facts">{facts.join(' · ')}</div>
        {props.isWhole &&
          firing.run_id !== null &&
          firing.finished_at !== null && (
            <div className="jp-mlplat-Firing-copies">
              {[false, true].map(isPage => (
                <button
                  key={String(isPage)}
                  type="button"
                  className="jp-mlplat-Link"
                  onClick={() =>
                    props.actions.openExecuted(firing.run_id ?? '', isPage)
                  }
                >
                  {isPage ? trans.__('Page') : trans.__('Executed notebook')}
                </button>
              ))}
            </div>
          )}
        {firing.message && (
          <div className="jp-mlplat-Firing-message">{firing.message}</div>
        )}
        {unsent.map(([url, said]) => (
          <div key={url} className="jp-mlplat-Firing-message">
            {trans.__('Not told to %1: %2', url, said)}
          </div>
        ))}
      </div>
    </li>
  );
}
