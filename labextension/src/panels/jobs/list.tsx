import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { isFinal } from '../../api/states';
import type { Progress, RunSummary } from '../../api/types';
import { Button, EmptyState, ErrorNote } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import {
  formatAge,
  formatDuration,
  formatNumber
} from '../../components/format';
import { Header } from '../../components/header';
import { StateIcon, stateLabel } from '../../components/state';
import { Windowed, useRowFocus } from '../../components/windowed';
import { plusIcon } from '../../icons';
import { ROW_HEIGHT } from '../runs/row';
import type { IJobsActions } from './actions';
import type { IJobList } from './model';
import { ProgressLine } from './progress';

import '../../../style/rows.css';
import '../../../style/run-list.css';
import '../../../style/jobs.css';

/** All jobs of one kind: only the rows in sight exist. */
export function JobList(props: {
  model: IJobList;
  actions: IJobsActions;
  opened: string | null;
  icon: LabIcon;
  title: string;
  count: string;
  newLabel: string;
  newTitle: string;
  emptyTitle: string;
  emptyText: string;
}): JSX.Element {
  const { model, actions } = props;
  const { pages } = model;
  const trans = useTrans();
  const isEmpty = pages.total === 0 && !pages.isLoading && pages.error === null;
  return (
    <>
      <Header
        isLive
        title={props.title}
        facts={pages.total === 0 ? trans.__('None yet') : props.count}
      >
        {pages.total > 0 && (
          <Button
            kind="primary"
            icon={plusIcon}
            label={trans.__('New')}
            title={props.newTitle}
            onClick={actions.create}
          />
        )}
      </Header>
      {pages.error !== null && (
        <ErrorNote
          error={pages.error}
          action={{ label: trans.__('Try again'), onClick: actions.connect }}
        />
      )}
      {isEmpty && (
        <EmptyState icon={props.icon} title={props.emptyTitle}>
          <p>{props.emptyText}</p>
          <Button
            kind="primary"
            icon={props.icon}
            label={props.newLabel}
            onClick={actions.create}
          />
        </EmptyState>
      )}
      {pages.total > 0 && <Rows {...props} />}
    </>
  );
}

function Rows(props: {
  model: IJobList;
  actions: IJobsActions;
  opened: string | null;
  title: string;
}): JSX.Element {
  const { model, actions, opened } = props;
  const { pages } = model;
  const list = React.useRef<HTMLDivElement>(null);
  const minuteMs = useNow(60_000);
  const focus = useRowFocus(list, pages.total, ROW_HEIGHT, {
    opened: opened === null ? -1 : pages.placeOf(opened)
  });
  return (
    <Windowed
      ref={list}
      className="jp-mlplat-RunList"
      role="list"
      label={props.title}
      count={pages.total}
      rowHeight={ROW_HEIGHT}
      entry={focus.entry}
      isBusy={pages.isLoading}
      onRange={(first, last) => pages.see(first, last)}
      onKeyDown={event => {
        const next = focus.next(event.key);
        if (next !== null) {
          event.preventDefault();
          focus.goTo(next);
        }
      }}
      renderRow={index => {
        const run = pages.at(index);
        return run === undefined ? (
          <div
            key={index}
            className="jp-mlplat-RunRow jp-mod-empty"
            role="presentation"
            style={{ height: ROW_HEIGHT }}
          >
            <span />
            <span />
          </div>
        ) : (
          <JobRow
            key={run.id}
            run={run}
            index={index}
            count={pages.total}
            progress={model.progressOf(run.id)}
            minuteMs={minuteMs}
            isEntry={index === focus.entry}
            onFocus={() => focus.setEntry(index)}
            onOpen={() => actions.open(run.id)}
          />
        );
      }}
    />
  );
}

/** A job in the list: how far it is, and what it has measured last. */
function JobRow(props: {
  run: RunSummary;
  index: number;
  count: number;
  progress: Progress | null;
  minuteMs: number;
  isEntry: boolean;
  onFocus: () => void;
  onOpen: () => void;
}): JSX.Element {
  const { run, progress } = props;
  const trans = useTrans();
  const isActive = !isFinal(run.state);
  const fraction = progress?.fraction ?? null;
  const isTicking = run.state === 'RUNNING';
  const second = useNow(1000, isTicking);
  const now = isTicking ? second : props.minuteMs;
  const seconds =
    run.duration_s ??
    (run.started_at ? (now - Date.parse(run.started_at)) / 1000 : null);
  return (
    <div
      role="listitem"
      aria-posinset={props.index + 1}
      aria-setsize={props.count}
      className="jp-mlplat-RunRow"
      style={{ height: ROW_HEIGHT }}
    >
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-RunRow-button"
        data-state={run.state}
        data-job={run.id}
        data-kind={run.kind}
        data-index={props.index}
        tabIndex={props.isEntry ? 0 : -1}
        onFocus={props.onFocus}
        onClick={props.onOpen}
      >
        <StateIcon state={run.state} />
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name">
              {run.title || run.pipeline}
            </span>
            <span className="jp-mlplat-RunRow-number">#{run.number}</span>
            <span className="jp-mlplat-RunRow-duration">
              {seconds === null ? '' : formatDuration(Math.max(0, seconds))}
            </span>
          </span>
          <span className="jp-mlplat-Row-foot">
            <span className="jp-mlplat-Row-facts">
              {[
                isActive && fraction !== null
                  ? trans.__('%1 %', Math.floor(100 * fraction))
                  : stateLabel(trans, run.state),
                formatAge(run.created_at, now)
              ].join(' · ')}
            </span>
            <span className="jp-mlplat-Row-metrics">
              {Object.entries(run.metrics)
                .slice(0, SHOWN_METRICS)
                .map(([name, value]) => (
                  <span key={name} title={`${name} = ${value}`}>
                    {name} <b>{formatNumber(value)}</b>
                  </span>
                ))}
            </span>
          </span>
        </span>
        {isActive && <ProgressLine progress={progress} />}
      </button>
    </div>
  );
}

const SHOWN_METRICS = 2;
