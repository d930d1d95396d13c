import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Metric, OutputValue, Run, Task } from '../../api/types';
import {
  Button,
  Code,
  ErrorNote,
  Fold,
  IconButton
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { FailureCard } from '../../components/failure-card';
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatNumber
} from '../../components/format';
import { stepStyle } from '../../components/palette';
import { Progress, StateIcon, stateLabel } from '../../components/state';
import { backIcon, retryIcon, stopIcon, trashIcon } from '../../icons';
import type { IRunsActions } from './body';
import type { RunDetailModel } from './detail-model';
import { LogView } from './log';
import { RunNotes } from './notes';
import { StepOutputs } from './outputs';
import { countDone, isFinal, isRetryable } from '../../api/states';

/** One run: how it goes, what failed, its steps, and what came out of it. */
export function RunDetail(props: {
  detail: RunDetailModel;
  actions: IRunsActions;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { detail, actions } = props;
  const { watch } = detail;
  const trans = useTrans();
  const { run } = watch;
  const isActive = run !== null && !isFinal(run.state);
  const now = useNow(500, isActive);
  const { failure } = detail;
  return (
    <>
      <DetailHeader run={run} actions={actions} />
      <div className="jp-mlplat-Section-scroll">
        {watch.error !== null && <ErrorNote error={watch.error} />}
        {run && <Summary run={run} nowMs={now} actions={actions} />}
        {run && <RunNotes run={run} actions={actions} />}
        {run && failure && (
          <FailureCard
            failure={failure}
            onGoToCell={
              failure.cell
                ? () =>
                    actions.goToCell(
                      run.notebook,
                      failure.cell as string,
                      failure.line ?? undefined
                    )
                : undefined
            }
            onRetry={() => actions.retry(run.id, failure.step)}
          />
        )}
        {run && (
          <Steps
            run={run}
            nowMs={now}
            selected={detail.step}
            onSelect={step => actions.showStep(run.id, step)}
            renderStep={task => (
              <StepPanel
                task={task}
                run={run}
                detail={detail}
                actions={actions}
                rendermime={props.rendermime}
              />
            )}
          />
        )}
        {watch.metrics.length > 0 && <Metrics metrics={watch.metrics} />}
        {run && Object.keys(run.parameters).length > 0 && (
          <Parameters run={run} />
        )}
        {watch.outputs.length > 0 && <Values outputs={watch.outputs} />}
        {run === null && watch.error === null && (
          <p className="jp-mlplat-Hint">{trans.__('Reading the run…')}</p>
        )}
      </div>
    </>
  );
}

function DetailHeader(props: {
  run: Run | null;
  actions: IRunsActions;
}): JSX.Element {
  const { run, actions } = props;
  const trans = useTrans();
  return (
    <div className="jp-mlplat-Header">
      <IconButton
        isFocusedAtFirst
        icon={backIcon}
        label={trans.__('Back to all runs')}
        onClick={() => actions.openRun(null)}
      />
      <div className="jp-mlplat-Header-text">
        <h2 className="jp-mlplat-Header-title">
          {run ? trans.__('Run %1', run.number) : trans.__('Run')}
        </h2>
        <div className="jp-mlplat-Header-facts" title={run?.notebook ?? ''}>
          {run?.pipeline}
        </div>
      </div>
      <div className="jp-mlplat-Header-actions">
        {run && isFinal(run.state) && (
          <IconButton
            icon={trashIcon}
            label={trans.__('Delete this run')}
            onClick={() => actions.delete(run.id)}
          />
        )}
        {run && isRetryable(run.state) && (
          <Button
            kind="primary"
            icon={retryIcon}
            label={trans.__('Retry')}
            title={trans.__('Go on; what succeeded is kept')}
            onClick={() => actions.retry(run.id, null)}
          />
        )}
        {run && !isFinal(run.state) && (
          <Button
            icon={stopIcon}
            label={trans.__('Cancel')}
            isDisabled={run.state === 'CANCELING'}
            onClick={() => actions.cancel(run.id)}
          />
        )}
      </div>
    </div>
  );
}

function Summary(props: {
  run: Run;
  nowMs: number;
  actions: IRunsActions;
}): JSX.Element {
  const { run } = props;
  const trans = useTrans();
  const done = countDone(run);
  const cached = run.tasks.filter(task => task.cached).length;
  const seconds =
    run.duration_s ??
    (run.started_at ? (props.nowMs - Date.parse(run.started_at)) / 1000 : 0);
  const { notebook } = run;
  return (
    <div className="jp-mlplat-Summary">
      <div className="jp-mlplat-Summary-state" role="status">
        <StateIcon state={run.state} />
        <strong>{stateLabel(trans, run.state)}</strong>
        <span className="jp-mlplat-Summary-facts">
          {[
            formatDuration(Math.max(0, seconds)),
            cached > 0 && trans.__('%1 cached', cached),
            formatAge(run.created_at, props.nowMs)
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <Progress
        done={done}
        total={run.tasks.length}
        state={run.state}
        label={trans.__('Steps done')}
      />
      {notebook && (
        <button
          type="button"
          className="jp-mlplat-Link jp-mlplat-Summary-notebook"
          title={notebook}
          onClick={() => props.actions.openNotebook(notebook)}
        >
          {notebook.split('/').pop()}
        </button>
      )}
    </div>
  );
}

function Steps(props: {
  run: Run;
  nowMs: number;
  selected: string | null;
  onSelect: (step: string | null) => void;
  renderStep: (task: Task) => React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  return (
    <section className="jp-mlplat-Steps" aria-label={trans.__('Steps')}>
      <h3 className="jp-mlplat-Heading">{trans.__('Steps')}</h3>
      <ul className="jp-mlplat-Steps-list">
        {props.run.tasks.map((task, index) => {
          const isOpen = task.name === props.selected;
          return (
            <li key={task.name} style={stepStyle(index)}>
              <button
                type="button"
                className="jp-mlplat-TaskRow"
                aria-expanded={isOpen}
                data-state={task.state}
                data-task={task.name}
                title={task.cache?.reason ?? task.waiting_for ?? undefined}
                onClick={() => props.onSelect(isOpen ? null : task.name)}
              >
                <span className="jp-mlplat-TaskRow-swatch" />
                <StateIcon state={task.state} isCached={task.cached} />
                <span className="jp-mlplat-TaskRow-name">{task.name}</span>
                <span className="jp-mlplat-TaskRow-facts">
                  {taskFacts(trans, task, props.nowMs)}
                </span>
              </button>
              {isOpen && props.renderStep(task)}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The open step: its log, what it displayed, and why it ran or did not. */
function StepPanel(props: {
  task: Task;
  run: Run;
  detail: RunDetailModel;
  actions: IRunsActions;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { task, run, detail } = props;
  const trans = useTrans();
  const [tab, setTab] = React.useState<'log' | 'outputs' | 'about'>('outputs');
  const id = React.useId();
  const tabs = [
    ['outputs', trans.__('Outputs')],
    ['log', trans.__('Log')],
    ['about', trans.__('About')]
  ] as const;
  return (
    <div className="jp-mlplat-StepPanel">
      <div
        className="jp-mlplat-Tabs"
        role="tablist"
        aria-label={task.name}
        onKeyDown={event => {
          const index = tabs.findIndex(([key]) => key === tab);
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (step !== undefined) {
            setTab(tabs[(index + step + tabs.length) % tabs.length][0]);
            const buttons =
              event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]');
            buttons[(index + step + tabs.length) % tabs.length].focus();
          }
        }}
      >
        {tabs.map(([key, label]) => (
          <button
            key={key}
            type="button"
            role="tab"
            id={`${id}-${key}`}
            aria-selected={tab === key}
            aria-controls={`${id}-panel`}
            tabIndex={tab === key ? 0 : -1}
            className="jp-mlplat-Tab"
            onClick={() => setTab(key)}
          >
            {label}
          </button>
        ))}
      </div>
      <div
        id={`${id}-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-${tab}`}
        className="jp-mlplat-StepPanel-body"
      >
        {tab === 'log' && detail.log && <LogView model={detail.log} />}
        {tab === 'outputs' && (
          <StepOutputs
            load={() => detail.connection.client.getNotebook(run.id, task.name)}
            version={versionOf(task)}
            rendermime={props.rendermime}
            onGoToCell={cell => props.actions.goToCell(run.notebook, cell)}
          />
        )}
        {tab === 'about' && <About task={task} />}
      </div>
    </div>
  );
}

function About(props: { task: Task }): JSX.Element {
  const { task } = props;
  const trans = useTrans();
  return (
    <dl className="jp-mlplat-Facts">
      <dt>{trans.__('State')}</dt>
      <dd>{stateLabel(trans, task.state, task.cached)}</dd>
      {task.attempt > 1 && (
        <>
          <dt>{trans.__('Attempt')}</dt>
          <dd>{task.attempt}</dd>
        </>
      )}
      {task.waiting_for && (
        <>
          <dt>{trans.__('Waits for')}</dt>
          <dd>{task.waiting_for}</dd>
        </>
      )}
      {task.executed_as && (
        <>
          <dt>{trans.__('Ran in')}</dt>
          <dd>
            {
              {
                'warm-process': trans.__('a process forked from a warm worker'),
                process: trans.__('a Python process of its own'),
                kernel: trans.__('a Jupyter kernel')
              }[task.executed_as]
            }
          </dd>
        </>
      )}
      {task.cache && (
        <>
          <dt>{trans.__('Cache')}</dt>
          <dd>
            {task.cache.reason}
            {task.cache.changed.map(what => (
              <div key={what}>{what}</div>
            ))}
          </dd>
        </>
      )}
      {Object.entries(task.not_kept).map(([name, why]) => (
        <React.Fragment key={name}>
          <dt>{trans.__('Not kept')}</dt>
          <dd>
            <Code>{name}</Code> {why}
          </dd>
        </React.Fragment>
      ))}
      {task.failure && (
        <>
          <dt>{trans.__('Failure')}</dt>
          <dd>{task.failure.message}</dd>
        </>
      )}
    </dl>
  );
}

function Metrics(props: { metrics: readonly Metric[] }): JSX.Element {
  const trans = useTrans();
  const last = new Map(props.metrics.map(metric => [metric.name, metric]));
  return (
    <Fold title={trans.__('Metrics')} count={last.size} isOpenAtFirst>
      <table className="jp-mlplat-Table" data-testid="mlplat-metrics">
        <thead>
          <tr>
            <th scope="col">{trans.__('Metric')}</th>
            <th scope="col">{trans.__('Step')}</th>
            <th scope="col" className="jp-mlplat-Table-number">
              {trans.__('Value')}
            </th>
          </tr>
        </thead>
        <tbody>
          {[...last.values()].map(metric => (
            <tr key={metric.name}>
              <th scope="row">{metric.name}</th>
              <td>{metric.step}</td>
              <td
                className="jp-mlplat-Table-number"
                title={String(metric.value)}
              >
                {formatNumber(metric.value)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Fold>
  );
}

function Parameters(props: { run: Run }): JSX.Element {
  const trans = useTrans();
  const entries = Object.entries(props.run.parameters);
  return (
    <Fold title={trans.__('Parameters')} count={entries.length}>
      <dl className="jp-mlplat-Facts">
        {entries.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <Code>{JSON.stringify(value)}</Code>
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </Fold>
  );
}

function Values(props: { outputs: readonly OutputValue[] }): JSX.Element {
  const trans = useTrans();
  return (
    <Fold title={trans.__('Values passed on')} count={props.outputs.length}>
      <ul className="jp-mlplat-Values">
        {props.outputs.map(value => (
          <li
            key={`${value.step}/${value.name}`}
            className="jp-mlplat-Value"
            title={value.preview}
          >
            <Code>{value.name}</Code>
            <span className="jp-mlplat-Value-type">{value.type}</span>
            <span className="jp-mlplat-Value-size">
              {formatBytes(value.size_bytes)}
            </span>
            <span className="jp-mlplat-Value-preview">
              {trans.__('from %1', value.step)}
              {value.preview && ` · ${value.preview}`}
            </span>
          </li>
        ))}
      </ul>
    </Fold>
  );
}

function taskFacts(
  trans: TranslationBundle,
  task: Task,
  nowMs: number
): string {
  if (task.cached || !task.started_at) {
    return stateLabel(trans, task.state, task.cached);
  }
  const seconds =
    task.duration_s ?? (nowMs - Date.parse(task.started_at)) / 1000;
  const attempt =
    task.attempt > 1 ? `${trans.__('attempt %1', task.attempt)} · ` : '';
  return attempt + formatDuration(Math.max(0, seconds));
}

/** Changes whenever a step may have displayed something more. */
function versionOf(task: Task): string {
  const done = task.cells.filter(cell => cell.state !== 'pending').length;
  return [task.attempt, task.state, done].join('/');
}
