import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { late } from '../../components/late';
import { JobView } from '../jobs/main-view';
import type { ITuningActions } from './body';
import type { TuningWatch } from './watch';

const TuningPage = late(() => import('./page'));

/** One tuning job in the main area. */
export class TuningView extends JobView {
  constructor(options: TuningView.IOptions) {
    const { watch, trans } = options;
    super(
      watch,
      trans,
      number => trans.__('Tuning job %1', number),
      () => <TuningPage {...options} />
    );
  }
}

export namespace TuningView {
  export interface IOptions {
    watch: TuningWatch;
    actions: ITuningActions;
    trans: TranslationBundle;
  }
}
