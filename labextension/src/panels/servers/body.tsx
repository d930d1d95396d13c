import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { ServersModel } from './model';

// Nobody needs it before the section is looked at.
const ServersView = late(() => import('./view'));

/** What the section lets a user do; each is a command. */
export interface IServersActions {
  open: (server: string | null) => void;
  create: () => void;
  enter: (server: string) => void;
  start: (server: string) => void;
  stop: (server: string) => void;
  delete: (server: string) => void;
  showLog: (server: string, isShown: boolean) => void;
  connect: () => void;
}

/** The body of the Servers section: the list, one server, or the form for a new one. */
export class ServersBody extends SectionBody {
  constructor(private readonly _options: ServersBody.IOptions) {
    super(_options.trans, _options.model.connection);
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <ServersView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace ServersBody {
  export interface IOptions {
    model: ServersModel;
    actions: IServersActions;
    trans: TranslationBundle;
  }
}
