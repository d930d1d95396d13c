import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import type { ILineageActions } from './actions';
import type { LineageModel } from './model';

const LineageView = React.lazy(() => import('./view'));

/** The body of the Lineage section. Its code is loaded when it is first looked at. */
export class LineageBody extends ReactWidget {
  constructor(private readonly _options: LineageBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
    this.addClass('jp-mlplat-Lineage');
  }

  /** What is offered first is what is newest now. */
  protected override onAfterShow(): void {
    this._isSeen = true;
    this.update();
    if (this._options.model.explorer === null) {
      void this._options.model.search();
    }
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
            <React.Suspense fallback={null}>
              <LineageView {...this._options} />
            </React.Suspense>
          )}
        </UseSignal>
      </Trans.Provider>
    );
  }

  private _isSeen = false;
}

export namespace LineageBody {
  export interface IOptions {
    model: LineageModel;
    actions: ILineageActions;
    trans: TranslationBundle;
  }
}
