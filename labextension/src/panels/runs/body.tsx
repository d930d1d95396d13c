import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { IRunDetailActions } from './detail-actions';
import type { RunsModel } from './model';

const RunsView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface IRunsActions extends Omit<IRunDetailActions, 'openRun'> {
  openRun: (run: string | null) => void;
  showStep: (run: string, step: string | null) => void;
  deleteMany: (runs: readonly string[]) => void;

  /** Put runs away, or take them back. */
  archiveMany: (runs: readonly string[], isArchived: boolean) => void;
  compare: (runs: readonly string[]) => void;
  chooseRuns: (isChoosing: boolean) => void;
  connect: () => void;
  runNotebook: () => void;
}

/** The body of the Runs section: the list, or one run. */
export class RunsBody extends SectionBody {
  constructor(private readonly _options: RunsBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <RunsView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace RunsBody {
  export interface IOptions {
    model: RunsModel;
    actions: IRunsActions;
    rendermime: IRenderMimeRegistry;
    trans: TranslationBundle;

    /** Whether there is a notebook that could be run now. */
    canRun: () => boolean;

    /** Emitted when that may have changed. */
    commandChanged: CommandRegistry['commandChanged'];
  }
}
