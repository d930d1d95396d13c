import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import type { MachineModel } from './model';

const MachineView = late(() => import('./view'));

/** What the view lets a user do; each is a command. */
export interface IMachineActions {
  openRun: (run: string) => void;
  release: (lease: string, label: string) => void;
}

/** The machine, in the main area. Disposes of its model. */
export class MachineBody extends ReactWidget {
  constructor(
    private readonly _model: MachineModel,
    private readonly _actions: IMachineActions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <LoadBoundary>
          <MachineView
            model={this._model}
            onOpenRun={this._actions.openRun}
            onRelease={this._actions.release}
          />
        </LoadBoundary>
      </Trans.Provider>
    );
  }
}
