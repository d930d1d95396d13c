import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { ModelsModel } from './model';

const ModelsView = late(() => import('./view'));

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

/** The body of the Models section. */
export class ModelsBody extends SectionBody {
  constructor(private readonly _options: ModelsBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <ModelsView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace ModelsBody {
  export interface IOptions {
    model: ModelsModel;
    actions: IModelsActions;
    trans: TranslationBundle;
  }
}
