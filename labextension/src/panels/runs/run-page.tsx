import * as React from 'react';

import { isFinal } from '../../api/states';
import { EmptyState, ErrorNote, Fold } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { StateIcon, stateLabel } from '../../components/state';
import { runsIcon } from '../../icons';
import { LoggedModels } from '../models/logged';
import {
  Parameters,
  RunButtons,
  RunFailure,
  Summary,
  Values
} from './detail-parts';
import { Gantt } from './gantt';
import { seriesOf } from './metric-series';
import { MetricChart, MetricTable } from './metrics';
import { RunNotes } from './notes';
import type { RunView } from './run-view';
import { StepPanel } from './step-panel';
import '../../../style/pipeline.css';
import '../../../style/runs.css';
import '../../../style/run-list.css';
import '../../../style/run-detail.css';

/** What the main area shows of one run. Loaded late: see `run-view.tsx`. */
export default function RunPage(props: RunView.IOptions): JSX.Element {
  const { detail, actions } = props;
  const { watch } = detail;
  const { run } = watch;
  const trans = useTrans();
  const now = useNow(run !== null && !isFinal(run.state) ? 500 : 30_000);
  if (run === null) {
    return watch.error !== null ? (
      <EmptyState icon={runsIcon} title={trans.__('This run is not there')}>
        <ErrorNote error={watch.error} />
      </EmptyState>
    ) : (
      <p className="jp-mlplat-Hint jp-mlplat-Wait">
        {trans.__('Reading the run…')}
      </p>
    );
  }
  return (
    <>
      <header className="jp-mlplat-RunView-header">
        <div className="jp-mlplat-RunView-title">
          <h2 className="jp-mlplat-Header-title">
            {trans.__('Run %1', run.number)}
            <span className="jp-mlplat-RunView-pipeline">
              {run.title || run.pipeline}
            </span>
          </h2>
          <div className="jp-mlplat-Header-actions">
            <RunButtons run={run} actions={actions} />
          </div>
        </div>
        <Summary run={run} nowMs={now} actions={actions} />
        <RunNotes run={run} actions={actions} />
        {watch.error !== null && <ErrorNote error={watch.error} />}
        <RunFailure isCompact detail={detail} run={run} actions={actions} />
      </header>
      <div className="jp-mlplat-RunView-columns">
        <div className="jp-mlplat-RunView-overview">
          <Gantt
            run={run}
            nowMs={now}
            selected={detail.charted.length > 0 ? null : detail.step}
            onSelect={step => detail.selectStep(step)}
          />
          {watch.metrics.length > 0 && (
            <Fold
              title={trans.__('Metrics')}
              count={seriesOf(watch.metrics).length}
              isOpenAtFirst
            >
              <MetricTable
                metrics={watch.metrics}
                charted={detail.charted}
                onChart={metric => detail.chart(toggle(detail.charted, metric))}
              />
            </Fold>
          )}
          {isFinal(run.state) && (
            <LoggedModels
              client={detail.connection.client}
              run={run.id}
              version={run.finished_at ?? ''}
              onRegister={name => actions.registerModel(run.id, name)}
            />
          )}
          <Parameters run={run} />
          <Values outputs={watch.outputs} />
        </div>
        <div className="jp-mlplat-RunView-selection">
          {detail.charted.length > 0 ? (
            <MetricChart
              metrics={watch.metrics}
              charted={detail.charted}
              onChart={metrics => detail.chart(metrics)}
            />
          ) : (
            <SelectedStep {...props} />
          )}
        </div>
      </div>
    </>
  );
}

function SelectedStep(props: RunView.IOptions): JSX.Element {
  const { detail } = props;
  const { task } = detail;
  const { run } = detail.watch;
  const trans = useTrans();
  if (task === null || run === null) {
    return (
      <p className="jp-mlplat-Hint jp-mlplat-Wait">
        {trans.__('Select a step to see what it displayed and wrote.')}
      </p>
    );
  }
  return (
    <section
      className="jp-mlplat-Pane"
      aria-label={trans.__('Step %1', task.name)}
    >
      <div className="jp-mlplat-Pane-head">
        <StateIcon state={task.state} isCached={task.cached} />
        <h3 className="jp-mlplat-Pane-title">{task.name}</h3>
        <span className="jp-mlplat-Pane-facts">
          {[
            stateLabel(trans, task.state, task.cached),
            task.duration_s !== null &&
              !task.cached &&
              formatDuration(task.duration_s),
            task.attempt > 1 && trans.__('attempt %1', task.attempt)
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <StepPanel
        task={task}
        run={run}
        detail={detail}
        actions={props.actions}
        rendermime={props.rendermime}
      />
    </section>
  );
}

function toggle(charted: readonly string[], metric: string): readonly string[] {
  return charted.includes(metric)
    ? charted.filter(each => each !== metric)
    : [...charted, metric];
}
