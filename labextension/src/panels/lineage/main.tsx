import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import type { ILineageActions } from './actions';
import type { LineageExplorer } from './explorer';

const GraphView = late(() => import('./graph-view'));

/** One graph in the main area, with an exploration of its own. */
export class LineageMain extends ReactWidget {
  constructor(private readonly _options: LineageMain.IOptions) {
    super();
    this.addClass('jp-mlplat-MainView');
    void _options.exploring.then(explorer => {
      if (this.isDisposed) {
        explorer.dispose();
        return;
      }
      this._explorer = explorer;
      explorer.changed.connect(this._onChanged, this);
      this.update();
    });
  }

  /** What is explored; null until its code is loaded. */
  get explorer(): LineageExplorer | null {
    return this._explorer;
  }

  override dispose(): void {
    super.dispose();
    this._explorer?.dispose();
  }

  protected render(): JSX.Element {
    const { trans, actions } = this._options;
    const explorer = this._explorer;
    return (
      <Trans.Provider value={trans}>
        {explorer === null ? (
          <p className="jp-mlplat-Hint">{trans.__('Loading…')}</p>
        ) : (
          <UseSignal signal={explorer.changed}>
            {() => (
              <LoadBoundary>
                <GraphView explorer={explorer} actions={actions} />
              </LoadBoundary>
            )}
          </UseSignal>
        )}
      </Trans.Provider>
    );
  }

  /** The tab around it bears its name. */
  private _onChanged(explorer: LineageExplorer): void {
    const tab = this.parent?.title;
    if (tab && explorer.roots.length > 0) {
      const { trans } = this._options;
      tab.label = trans.__('Lineage of %1', explorer.title);
    }
  }

  private _explorer: LineageExplorer | null = null;
}

export namespace LineageMain {
  export interface IOptions {
    exploring: Promise<LineageExplorer>;
    actions: ILineageActions;
    trans: TranslationBundle;
  }
}
