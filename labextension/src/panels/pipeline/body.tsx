import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { SettingsData } from '../../notebook/step-settings';
import type { IRunOptions, PipelineModel, Selection } from './model';

const PipelineView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface IPipelineActions {
  run: (options?: IRunOptions) => void;
  /** Show what else can be done with the notebook, below a button. */
  showMenu: (below: HTMLElement) => void;
  openGraph: () => void;
  merge: (steps: [string, string]) => void;
  verify: () => void;
  connect: () => void;
  cancel: (run: string) => void;
  retry: (step: string | null) => void;
  restoreState: (run: string, step: string) => void;
  openRun: (run: string) => void;
  goToCell: (cell: string, line?: number) => void;
  select: (selection: Selection | null) => void;
  applySettings: (step: string, settings: SettingsData) => void;
}

/** The body of the Pipeline section. */
export class PipelineBody extends SectionBody {
  constructor(
    private readonly _model: PipelineModel,
    private readonly _actions: IPipelineActions,
    trans: TranslationBundle
  ) {
    super(trans);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => <PipelineView model={this._model} actions={this._actions} />}
      </UseSignal>
    );
  }
}
