import * as React from 'react';

import type { RunState, RunSummary } from '../../api/types';
import { EmptyState, ErrorNote } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import {
  formatAge,
  formatDuration,
  formatNumber
} from '../../components/format';
import { Progress, StateIcon, stateLabel } from '../../components/state';
import { Windowed } from '../../components/windowed';
import { runsIcon, searchIcon } from '../../icons';
import type { RunsModel } from './model';
import { isFinal } from '../../api/states';

/** All runs, newest first: only the rows in sight exist, more are loaded at the end. */
export function RunList(props: {
  model: RunsModel;
  onOpen: (run: string) => void;
  onRetryConnection: () => void;
}): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  const now = useNow(
    1000,
    model.runs.some(run => !isFinal(run.state))
  );
  const isFiltered = model.filter.text !== '' || model.filter.state !== null;
  const isEmpty = model.runs.length === 0 && !model.isLoading;
  return (
    <>
      {(isFiltered || model.runs.length > 0) && <FilterBar model={model} />}
      {model.error !== null && (
        <ErrorNote
          error={model.error}
          action={{
            label: trans.__('Try again'),
            onClick: props.onRetryConnection
          }}
        />
      )}
      {isEmpty && model.error === null && isFiltered && (
        <EmptyState icon={searchIcon} title={trans.__('No run matches')}>
          <p>{trans.__('Change the text or the state above.')}</p>
        </EmptyState>
      )}
      {isEmpty && model.error === null && !isFiltered && (
        <EmptyState icon={runsIcon} title={trans.__('No runs yet')}>
          <p>
            {trans.__(
              'Open a notebook and press Run in the Pipeline section. Runs go on when you close JupyterLab, and everything they make is kept.'
            )}
          </p>
        </EmptyState>
      )}
      {model.runs.length > 0 && (
        <Windowed
          className="jp-mlplat-RunList"
          role="list"
          label={trans.__('Runs')}
          count={model.runs.length}
          rowHeight={ROW_HEIGHT}
          onKeyDown={moveFocus}
          onScroll={element => {
            const left =
              element.scrollHeight - element.scrollTop - element.clientHeight;
            if (left < 10 * ROW_HEIGHT) {
              void model.loadMore();
            }
          }}
          renderRow={index => (
            <RunRow
              key={model.runs[index].id}
              run={model.runs[index]}
              nowMs={now}
              position={index + 1}
              count={model.hasMore ? -1 : model.runs.length}
              onOpen={props.onOpen}
            />
          )}
        />
      )}
    </>
  );
}

function FilterBar(props: { model: RunsModel }): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  const states: RunState[] = [
    'RUNNING',
    'PENDING',
    'SUCCEEDED',
    'FAILED',
    'CANCELED'
  ];
  return (
    <div className="jp-mlplat-FilterBar" role="search">
      <div className="jp-mlplat-SearchBox">
        <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
        <input
          className="jp-mlplat-Input"
          type="search"
          aria-label={trans.__('Filter runs')}
          placeholder={trans.__('Filter runs')}
          value={model.filter.text}
          onChange={event => model.setFilter({ text: event.target.value })}
        />
      </div>
      <select
        className="jp-mlplat-Select"
        aria-label={trans.__('State')}
        value={model.filter.state ?? ''}
        onChange={event =>
          model.setFilter({
            state: (event.target.value || null) as RunState | null
          })
        }
      >
        <option value="">{trans.__('Any state')}</option>
        {states.map(state => (
          <option key={state} value={state}>
            {stateLabel(trans, state)}
          </option>
        ))}
      </select>
    </div>
  );
}

function RunRow(props: {
  run: RunSummary;
  nowMs: number;
  position: number;
  count: number;
  onOpen: (run: string) => void;
}): JSX.Element {
  const { run } = props;
  const trans = useTrans();
  const isActive = !isFinal(run.state);
  const seconds =
    run.duration_s ??
    (run.started_at ? (props.nowMs - Date.parse(run.started_at)) / 1000 : null);
  const facts = [
    isActive
      ? trans.__('%1 of %2 steps', run.tasks_done, run.tasks_total)
      : run.state === 'FAILED' && run.failed_step
        ? trans.__('failed at %1', run.failed_step)
        : run.tasks_cached > 0
          ? trans.__('%1 of %2 cached', run.tasks_cached, run.tasks_total)
          : trans._n('%1 step', '%1 steps', run.tasks_total),
    formatAge(run.created_at, props.nowMs)
  ];
  return (
    <div
      role="listitem"
      aria-posinset={props.position}
      aria-setsize={props.count}
      className="jp-mlplat-RunRow"
      style={{ height: ROW_HEIGHT }}
    >
      <button
        type="button"
        className="jp-mlplat-RunRow-button"
        data-state={run.state}
        data-run={run.id}
        onClick={() => props.onOpen(run.id)}
      >
        <StateIcon state={run.state} />
        <span className="jp-mlplat-RunRow-text">
          <span className="jp-mlplat-RunRow-head">
            <span className="jp-mlplat-RunRow-name">{run.pipeline}</span>
            <span className="jp-mlplat-RunRow-number">#{run.number}</span>
            <span className="jp-mlplat-RunRow-duration">
              {seconds !== null && formatDuration(Math.max(0, seconds))}
            </span>
          </span>
          <span className="jp-mlplat-RunRow-foot">
            <span className="jp-mlplat-RunRow-facts">{facts.join(' · ')}</span>
            <span className="jp-mlplat-RunRow-metrics">
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
        {isActive && (
          <Progress
            done={run.tasks_done}
            total={run.tasks_total}
            state={run.state}
            label={trans.__('Steps done')}
          />
        )}
      </button>
    </div>
  );
}

/** Arrow keys go from row to row. */
function moveFocus(event: React.KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) {
    return;
  }
  const rows = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('[data-run]')
  ];
  const index = rows.findIndex(row => row === document.activeElement);
  rows[index + step]?.focus();
  event.preventDefault();
}

const ROW_HEIGHT = 52;

/** What fits into the width of a side panel. */
const SHOWN_METRICS = 2;
