import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { late } from '../../components/late';
import { JobView } from '../jobs/main-view';
import type { ITrainingActions } from './body';
import type { TrainingModel } from './model';
import type { TrainWatch } from './watch';

const TrainPage = late(() => import('./page'));

/** One train job in the main area. */
export class TrainView extends JobView {
  constructor(options: TrainView.IOptions) {
    const { watch, trans } = options;
    super(
      watch,
      trans,
      number => trans.__('Train job %1', number),
      () => <TrainPage {...options} />
    );
  }
}

export namespace TrainView {
  export interface IOptions {
    watch: TrainWatch;
    model: TrainingModel;
    actions: ITrainingActions;
    trans: TranslationBundle;
  }
}
