import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import type { Run, Task } from '../../api/types';
import { Code, Prose } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { stateLabel } from '../../components/state';
import { walkTabs } from '../../components/walking';
import type { IRunDetailActions } from './detail-actions';
import type { RunDetailModel } from './detail-model';
import { LogView } from './log';
import { StepOutputs } from './outputs';
import { TaskValues } from './task-values';

type Tab = 'outputs' | 'log' | 'about';

/** What one step displayed, what it wrote, and what is known of it. */
export function StepPanel(props: {
  task: Task;
  run: Run;
  detail: RunDetailModel;
  actions: IRunDetailActions;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { task, run, detail } = props;
  const trans = useTrans();
  const { tab } = detail;
  const id = React.useId();
  const tabs: readonly (readonly [Tab, string])[] = [
    ['outputs', trans.__('Outputs')],
    ['log', trans.__('Log')],
    ['about', trans.__('About')]
  ];
  return (
    <div className="jp-mlplat-StepPanel">
      <div
        className="jp-mlplat-Tabs"
        role="tablist"
        aria-label={task.name}
        onKeyDown={event =>
          walkTabs(
            event,
            tabs.findIndex(([key]) => key === tab),
            tabs.length,
            next => detail.showTab(tabs[next][0])
          )
        }
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
            onClick={() => detail.showTab(key)}
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
        data-tab={tab}
      >
        {tab !== 'about' && (
          <Explanation task={task} onOpenRun={props.actions.openRun} />
        )}
        {tab === 'log' && detail.log && (
          <LogView
            key={task.name}
            model={detail.log}
            onDownload={() => props.actions.downloadLog(run.id, task.name)}
          />
        )}
        {tab === 'outputs' && task.inputs && (
          <TaskValues
            task={task}
            client={detail.connection.client}
            rendermime={props.rendermime}
          />
        )}
        {tab === 'outputs' && !task.inputs && (
          <StepOutputs
            key={task.name}
            load={() => detail.connection.client.getNotebook(run.id, task.name)}
            cells={task.cells}
            indexOf={cell => detail.watch.indexOf(cell)}
            version={versionOf(task)}
            rendermime={props.rendermime}
            onGoToCell={cell => props.actions.goToCell(run.notebook, cell)}
          />
        )}
        {tab === 'about' && (
          <About task={task} onOpenRun={props.actions.openRun} />
        )}
      </div>
    </div>
  );
}

/** Why a step is as it is, where that is not plain to see. */
function Explanation(props: {
  task: Task;
  onOpenRun: (run: string) => void;
}): JSX.Element | null {
  const { task } = props;
  const trans = useTrans();
  const source = task.cached ? task.cache?.run_id : null;
  if (task.cached) {
    return (
      <p className="jp-mlplat-Hint jp-mlplat-StepPanel-why">
        {trans.__(
          'Taken from the cache: %1. What is below was shown and written then.',
          task.cache?.reason ?? ''
        )}{' '}
        {source && (
          <button
            type="button"
            className="jp-mlplat-Link"
            onClick={() => props.onOpenRun(source)}
          >
            {trans.__('Open run %1', task.cache?.run_number ?? source)}
          </button>
        )}
      </p>
    );
  }
  const why =
    ['QUEUED', 'RUNNING'].includes(task.state) && task.waiting_for
      ? trans.__('Waits for %1.', task.waiting_for)
      : task.state === 'QUEUED' && task.retry_at
        ? trans.__(
            'Failed; the next attempt begins at %1.',
            new Date(task.retry_at).toLocaleTimeString()
          )
        : task.state === 'PENDING'
          ? trans.__('Waits for the steps it needs.')
          : task.state === 'SKIPPED'
            ? trans.__(
                'Did not run: its condition did not hold, a step it needs did not succeed, or it was not asked for.'
              )
            : null;
  return why === null ? null : (
    <p className="jp-mlplat-Hint jp-mlplat-StepPanel-why">{why}</p>
  );
}

function About(props: {
  task: Task;
  onOpenRun: (run: string) => void;
}): JSX.Element {
  const { task } = props;
  const trans = useTrans();
  const known = task.cache?.run_id ?? null;
  const facts: [string, React.ReactNode][] = [
    [trans.__('State'), stateLabel(trans, task.state, task.cached)]
  ];
  const add = (label: string, value: React.ReactNode) =>
    value && facts.push([label, value]);
  add(trans.__('Attempt'), task.attempt > 1 ? task.attempt : null);
  add(
    trans.__('Began'),
    task.started_at && new Date(task.started_at).toLocaleString()
  );
  add(
    trans.__('Took'),
    task.duration_s !== null && formatDuration(task.duration_s)
  );
  add(trans.__('Waits for'), task.waiting_for);
  add(
    trans.__('Ran in'),
    task.executed_as &&
      {
        'warm-process': trans.__('a process forked from a warm worker'),
        process: trans.__('a Python process of its own'),
        kernel: trans.__('a Jupyter kernel'),
        container: trans.__('a container'),
        pod: trans.__('a pod of the cluster'),
        engine: trans.__('the engine itself')
      }[task.executed_as]
  );
  add(
    trans.__('Not as asked'),
    task.notes.length > 0 &&
      task.notes.map(note => <div key={note}>{note}</div>)
  );
  add(trans.__('GPUs'), task.gpus.join(', '));
  add(
    trans.__('Cache'),
    task.cache && (
      <>
        {task.cache.reason}
        {task.cache.changed.map(what => (
          <div key={what}>
            <Code>{what}</Code>
          </div>
        ))}
        {known !== null && (
          <div>
            <button
              type="button"
              className="jp-mlplat-Link"
              onClick={() => props.onOpenRun(known)}
            >
              {trans.__('Open run %1', task.cache.run_number ?? known)}
            </button>
          </div>
        )}
      </>
    )
  );
  for (const note of task.notes) {
    facts.push([trans.__('Note'), note]);
  }
  for (const [name, why] of Object.entries(task.not_kept)) {
    facts.push([
      trans.__('Not kept'),
      <>
        <Code>{name}</Code> {trans.__('%1. No step needs it.', why)}
      </>
    ]);
  }
  add(
    trans.__('Failure'),
    task.failure && <Prose text={task.failure.message} />
  );
  return (
    <dl className="jp-mlplat-Facts">
      {facts.map(([label, value], index) => (
        <React.Fragment key={index}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

/** Changes whenever a step may have displayed something more. */
function versionOf(task: Task): string {
  const done = task.cells.filter(cell => cell.state !== 'pending').length;
  return [task.attempt, task.cached, task.state, done].join('/');
}
