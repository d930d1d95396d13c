import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import * as React from 'react';

import type { Traffic } from '../../api/types';
import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import { SectionBody } from '../../components/section-body';
import type { EndpointsModel } from './model';
import type { EndpointWatch } from './watch';

// Nobody needs them before the section is looked at.
const EndpointsView = late(() => import('./view'));
const EndpointDetail = late(() => import('./detail'));

/** What the section lets a user do; each is a command. */
export interface IEndpointsActions {
  open: (endpoint: string | null) => void;
  deploy: (args: { model?: string; endpoint?: string }) => void;
  expand: (endpoint: string) => void;
  setTraffic: (endpoint: string, traffic: readonly Traffic[]) => void;
  undoTraffic: (endpoint: string) => void;
  promote: (endpoint: string) => void;
  rollBack: (endpoint: string) => void;
  stop: (endpoint: string) => void;
  start: (endpoint: string) => void;
  delete: (endpoint: string) => void;

  /** Show the log of a revision, with 0 of the router, with null none. */
  showLog: (endpoint: string, revision: number | null) => void;
  copyUrl: (endpoint: string) => void;
  copy: (text: string) => void;
  connect: () => void;
  showModels: () => void;
}

/** The body of the Endpoints section: the list, one endpoint, or the form for a deployment. */
export class EndpointsBody extends SectionBody {
  constructor(private readonly _options: EndpointsBody.IOptions) {
    super(_options.trans, _options.model.connection);
    this._following = _options.model.stats.follow(
      () => this._inSight(),
      LOOK_MS
    );
  }

  override dispose(): void {
    this._following.dispose();
    super.dispose();
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <EndpointsView {...this._options} />}
      </UseSignal>
    );
  }

  /** The endpoints whose figures can be seen now. */
  private _inSight(): string[] {
    const { model } = this._options;
    if (!this.isVisible || model.deployment) {
      return [];
    }
    const shown = model.selected
      ? model.endpoints.filter(({ name }) => name === model.selected?.name)
      : model.endpoints;
    return shown
      .filter(({ state }) => state !== 'STOPPED')
      .map(({ name }) => name);
  }

  private readonly _following: IDisposable;
}

/** One endpoint in the main area. */
export class EndpointView extends ReactWidget {
  constructor(
    private readonly _options: EndpointsBody.IOptions,
    name: string
  ) {
    super();
    this.addClass('jp-mlplat-EndpointView');
    const { model } = _options;
    this._watch = model.acquire(name);
    this._following = model.stats.follow(
      () =>
        this.isVisible && this._watch.endpoint?.state !== 'STOPPED'
          ? [name]
          : [],
      LOOK_MS
    );
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._following.dispose();
      this._options.model.release(this._watch);
    }
    super.dispose();
  }

  protected render(): JSX.Element {
    const { model, actions, trans, apiUrl } = this._options;
    return (
      <Trans.Provider value={trans}>
        <LoadBoundary>
          <EndpointDetail
            isWide
            watch={this._watch}
            stats={model.stats}
            actions={actions}
            apiUrl={apiUrl}
          />
        </LoadBoundary>
      </Trans.Provider>
    );
  }

  private readonly _watch: EndpointWatch;
  private readonly _following: IDisposable;
}

export namespace EndpointsBody {
  export interface IOptions {
    model: EndpointsModel;
    actions: IEndpointsActions;
    trans: TranslationBundle;

    /** Base URL of the platform's API on the Jupyter server. */
    apiUrl: string;
  }
}

/** Figures are of the last minute, and copied every few seconds: more often would show the same. */
const LOOK_MS = 3000;
