import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import { isFinal } from '../../api/states';
import { ErrorNote, Fold, IconButton } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { expandIcon } from '../../icons';
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
import { Steps } from './steps';
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
  const back = () => actions.openRun(null);
  return (
    <Opened onBack={back}>
      <Header
        title={run ? trans.__('Run %1', run.number) : trans.__('Run')}
        facts={run?.title || (run?.pipeline ?? '')}
        factsHint={run?.notebook ?? undefined}
        back={{ label: trans.__('Back to all runs'), onClick: back }}
      >
        <IconButton
          icon={expandIcon}
          label={trans.__('Open in the main area')}
          onClick={() => actions.openRunTab(detail.id)}
        />
        {run && <RunButtons run={run} actions={actions} />}
      </Header>
      <div className="jp-mlplat-Section-scroll">
        {watch.error !== null && <ErrorNote error={watch.error} />}
        {run && <Summary run={run} nowMs={now} actions={actions} />}
        {run && <RunNotes run={run} actions={actions} />}
        {run && <RunFailure detail={detail} run={run} actions={actions} />}
        {run && run.kind !== 'tracked' && (
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
    </Opened>
  );
}
