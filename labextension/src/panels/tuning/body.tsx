import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { MachineInventory } from '../../api/types';
import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { IJobsActions } from '../jobs/actions';
import type { TuningModel } from './model';

const TuningView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface ITuningActions extends IJobsActions {
  openNotebook: (path: string) => void;
  goToCell: (notebook: string | null, cell: string, line?: number) => void;
  stopTrial: (run: string, trial: number) => void;
  registerTrial: (run: string, trial: number) => void;
  rerunTrial: (run: string, trial: number) => void;
}

/** The body of the Tuning section: the list, one job, or the form. */
export class TuningBody extends SectionBody {
  constructor(private readonly _options: TuningBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <TuningView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace TuningBody {
  export interface IOptions {
    model: TuningModel;
    actions: ITuningActions;
    trans: TranslationBundle;

    /** Names of the runtimes that trials can have. */
    runtimes: () => readonly string[];

    /** What the machine has; null: not known. */
    inventory: () => MachineInventory | null;

    /** A path as a reader knows it, and as the engine needs it. */
    shortPath: (path: string) => string;
    absolutePath: (path: string) => string;

    /** Source of the active cell of the open notebook. */
    activeCell: () => string | null;
  }
}
