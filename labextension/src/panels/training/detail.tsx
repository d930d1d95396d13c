import * as React from 'react';

import { isFinal } from '../../api/states';
import { ErrorNote, Fold, IconButton } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { expandIcon } from '../../icons';
import { JobButtons } from '../jobs/buttons';
import { JobSummary } from '../jobs/progress';
import { LoggedModels } from '../models/logged';
import type { ITrainingActions } from './body';
import type { TrainingModel } from './model';
import { Checkpoints, Curves, JobFailure, Ranks, TrainFacts } from './parts';
import type { TrainWatch } from './watch';

import '../../../style/pipeline.css';
import '../../../style/runs.css';
import '../../../style/run-list.css';
import '../../../style/run-detail.css';
import '../../../style/models.css';
import '../../../style/jobs.css';

/** One train job in the side panel. */
export function TrainDetail(props: {
  watch: TrainWatch;
  model: TrainingModel;
  actions: ITrainingActions;
}): JSX.Element {
  const { watch, actions } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  const back = () => actions.open(null);
  return (
    <Opened onBack={back}>
      <Header
        title={
          run ? trans.__('Train job %1', run.number) : trans.__('Train job')
        }
        facts={run?.title || (run?.pipeline ?? '')}
        back={{ label: trans.__('Back to all train jobs'), onClick: back }}
      >
        <IconButton
          icon={expandIcon}
          label={trans.__('Open in the main area')}
          onClick={() => actions.openTab(watch.id)}
        />
      </Header>
      <div className="jp-mlplat-Section-scroll" data-testid="mlplat-training">
        <TrainContent {...props} height={150} />
      </div>
    </Opened>
  );
}

/** All that is known of a train job, one below the other. */
export function TrainContent(props: {
  watch: TrainWatch;
  model: TrainingModel;
  actions: ITrainingActions;
  height: number;
}): JSX.Element {
  const { watch, actions, model } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  const now = useNow(run !== null && !isFinal(run.state) ? 500 : 30_000);
  if (run === null) {
    return watch.error !== null ? (
      <ErrorNote error={watch.error} />
    ) : (
      <p className="jp-mlplat-Hint jp-mlplat-Wait">
        {trans.__('Reading the job…')}
      </p>
    );
  }
  return (
    <>
      {watch.error !== null && <ErrorNote error={watch.error} />}
      <JobSummary run={run} nowMs={now} progress={watch.progress} />
      <JobButtons run={run} actions={actions} />
      <JobFailure
        run={run}
        onGoToCell={(cell, line) => actions.goToCell(run.notebook, cell, line)}
      />
      <Fold title={trans.__('Curves')} isOpenAtFirst>
        <Curves
          watch={watch}
          others={model.pages.loaded}
          height={props.height}
        />
      </Fold>
      <Ranks watch={watch} nowMs={now} />
      <Checkpoints watch={watch} nowMs={now} />
      {isFinal(run.state) && (
        <LoggedModels
          client={watch.connection.client}
          run={run.id}
          version={run.finished_at ?? ''}
          onRegister={name => actions.registerModel(run.id, name)}
        />
      )}
      <TrainFacts watch={watch} onOpenNotebook={actions.openNotebook} />
    </>
  );
}
