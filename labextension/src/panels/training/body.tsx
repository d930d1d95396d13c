import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { IJobsActions } from '../jobs/actions';
import type { TrainingModel } from './model';

const TrainingView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface ITrainingActions extends IJobsActions {
  goToCell: (notebook: string | null, cell: string, line?: number) => void;
  openNotebook: (path: string) => void;
  registerModel: (run: string, loggedAs: string) => void;
}

/** The body of the Training section: the list, one job, or the form. */
export class TrainingBody extends SectionBody {
  constructor(private readonly _options: TrainingBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <TrainingView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace TrainingBody {
  export interface IOptions {
    model: TrainingModel;
    actions: ITrainingActions;
    trans: TranslationBundle;

    /** A path as a reader knows it, and as the engine needs it. */
    shortPath: (path: string) => string;
    absolutePath: (path: string) => string;

    /** Source of the active cell of the open notebook. */
    activeCell: () => string | null;
  }
}
