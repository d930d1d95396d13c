import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import type { SchedulesModel } from './model';

// Nobody needs it before the section is looked at.
const SchedulesView = React.lazy(() => import('./view'));

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
export class SchedulesBody extends ReactWidget {
  constructor(private readonly _options: SchedulesBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  protected render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <Trans.Provider value={trans}>
        <React.Suspense fallback={null}>
          <UseSignal signal={model.changed}>
            {() => <SchedulesView {...this._options} />}
          </UseSignal>
        </React.Suspense>
      </Trans.Provider>
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
