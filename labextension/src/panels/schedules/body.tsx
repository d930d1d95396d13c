import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { SchedulesModel } from './model';

// Nobody needs it before the section is looked at.
const SchedulesView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface ISchedulesActions {
  open: (schedule: string | null) => void;
  create: () => void;
  edit: (schedule: string) => void;
  runNow: (schedule: string) => void;
  pause: (schedule: string) => void;
  resume: (schedule: string) => void;
  backfill: (schedule: string) => void;
  delete: (schedule: string) => void;
  openRun: (run: string) => void;
  openExecuted: (run: string, isPage: boolean) => void;
  connect: () => void;
}

/** The body of the Schedules section: the list, one schedule with its history, or the form. */
export class SchedulesBody extends SectionBody {
  constructor(private readonly _options: SchedulesBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <SchedulesView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace SchedulesBody {
  export interface IOptions {
    model: SchedulesModel;
    actions: ISchedulesActions;
    trans: TranslationBundle;

    /** A path of the file system as a reader knows it: below the server's root, where it lies there. */
    shortPath: (path: string) => string;

    /** The same path as the engine needs it. */
    absolutePath: (path: string) => string;
  }
}
