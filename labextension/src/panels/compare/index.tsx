import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import type { CompareModel } from './model';

const Body = late(() => import('./body'));

/** Runs side by side, in the main area. What draws them is loaded when first needed. */
export class CompareView extends ReactWidget {
  constructor(
    private readonly _model: CompareModel,
    private readonly _trans: TranslationBundle,
    private readonly _rendermime: IRenderMimeRegistry | null,
    private readonly _openRun: (run: string) => void
  ) {
    super();
    this.addClass('jp-mlplat-Comparison');
    this.node.tabIndex = -1;
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <LoadBoundary>
          <UseSignal signal={this._model.changed}>
            {() => (
              <Body
                model={this._model}
                rendermime={this._rendermime}
                onOpenRun={this._openRun}
              />
            )}
          </UseSignal>
        </LoadBoundary>
      </Trans.Provider>
    );
  }
}
