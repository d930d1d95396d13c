import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { isFinal } from '../../api/states';
import type { Run, Task } from '../../api/types';
import { ErrorNote, Fold, IconButton } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { stepStyle } from '../../components/palette';
import { StateIcon, stateLabel } from '../../components/state';
import { backIcon, expandIcon } from '../../icons';
import { LoggedModels } from '../models/logged';
import type { IRunsActions } from './body';
import type { RunDetailModel } from './detail-model';
import {
  Parameters,
  RunButtons,
  RunFailure,
  Summary,
  Values
} from './detail-parts';
import { seriesOf } from './metric-series';
import { MetricTable } from './metrics';
import { RunNotes } from './notes';
import { StepPanel } from './step-panel';
import '../../../style/pipeline.css';
import '../../../style/runs.css';
import '../../../style/run-list.css';
import '../../../style/run-detail.css';

/** One run in the side panel: how it goes, what failed, its steps, and what came out of it. Loaded late. */
export default function RunDetail(props: {
  detail: RunDetailModel;
  actions: IRunsActions;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { detail, actions } = props;
  const { watch } = detail;
  const trans = useTrans();
  const { run } = watch;
  const isActive = run !== null && !isFinal(run.state);
  const now = useNow(isActive ? 500 : 30_000);
  return (
    <>
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
            {run?.title || run?.pipeline}
          </div>
        </div>
        <div className="jp-mlplat-Header-actions">
          <IconButton
            icon={expandIcon}
            label={trans.__('Open in the main area')}
            onClick={() => actions.openRunTab(detail.id)}
          />
          {run && <RunButtons run={run} actions={actions} />}
        </div>
      </div>
      <div className="jp-mlplat-Section-scroll">
        {watch.error !== null && <ErrorNote error={watch.error} />}
        {run && <Summary run={run} nowMs={now} actions={actions} />}
        {run && <RunNotes run={run} actions={actions} />}
        {run && <RunFailure detail={detail} run={run} actions={actions} />}
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
        {watch.metrics.length > 0 && (
          <Fold
            title={trans.__('Metrics')}
            count={seriesOf(watch.metrics).length}
            isOpenAtFirst
          >
            <MetricTable
              metrics={watch.metrics}
              charted={[]}
              onChart={metric => actions.openRunTab(detail.id, metric)}
            />
          </Fold>
        )}
        {run && isFinal(run.state) && (
          <LoggedModels
            client={detail.connection.client}
            run={run.id}
            version={run.finished_at ?? ''}
            onRegister={name => actions.registerModel(run.id, name)}
          />
        )}
        {run && <Parameters run={run} />}
        <Values outputs={watch.outputs} />
        {run === null && watch.error === null && (
          <p className="jp-mlplat-Hint">{trans.__('Reading the run…')}</p>
        )}
      </div>
    </>
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
