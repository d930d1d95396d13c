import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import type { ModelsModel } from './model';

const ModelsView = React.lazy(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface IModelsActions {
  open: (model: string | null, version?: number) => void;
  register: (args: {
    run?: string;
    logged_as?: string;
    model?: string;
  }) => void;
  setAlias: (model: string, alias: string | null, version: number) => void;
  undoAlias: (model: string) => void;
  describe: (model: string, description: string) => void;
  download: (model: string, version: number) => void;
  deploy: (model: string, version: number) => void;
  openRun: (run: string) => void;
  goToCell: (notebook: string | null, cell: string) => void;
  connect: () => void;

  /** Menus of the same commands, below the element that opens them. */
  showModelMenu: (model: string, below: Element) => void;
  showVersionMenu: (model: string, version: number, below: Element) => void;
  showAliasMenu: (model: string, alias: string, below: Element) => void;
}

/** The body of the Models section. Its code is loaded when it is first looked at. */
export class ModelsBody extends ReactWidget {
  constructor(private readonly _options: ModelsBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  protected override onAfterShow(): void {
    this._isSeen = true;
    this.update();
  }

  protected render(): JSX.Element | null {
    const { model, trans } = this._options;
    if (!this._isSeen && !this.isVisible) {
      return null;
    }
    this._isSeen = true;
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={model.changed}>
          {() => (
            <React.Suspense
              fallback={
                <p className="jp-mlplat-Hint jp-mlplat-Models-wait">
                  {trans.__('One moment…')}
                </p>
              }
            >
              <ModelsView {...this._options} />
            </React.Suspense>
          )}
        </UseSignal>
      </Trans.Provider>
    );
  }

  private _isSeen = false;
}

export namespace ModelsBody {
  export interface IOptions {
    model: ModelsModel;
    actions: IModelsActions;
    trans: TranslationBundle;
  }
}
