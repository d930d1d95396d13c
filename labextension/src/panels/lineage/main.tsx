import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import type { ILineageActions } from './actions';
import type { LineageExplorer } from './explorer';

const GraphView = React.lazy(() => import('./graph-view'));

/** One graph in the main area, with an exploration of its own. */
export class LineageMain extends ReactWidget {
  constructor(
    readonly explorer: LineageExplorer,
    private readonly _actions: ILineageActions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-MainView');
  }

  override dispose(): void {
    super.dispose();
    this.explorer.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <UseSignal signal={this.explorer.changed}>
          {() => (
            <React.Suspense
              fallback={
                <p className="jp-mlplat-Hint">{this._trans.__('Loading…')}</p>
              }
            >
              <GraphView explorer={this.explorer} actions={this._actions} />
            </React.Suspense>
          )}
        </UseSignal>
      </Trans.Provider>
    );
  }
}
