import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import { stateLabel } from '../../components/state';
import type { IRunDetailActions } from './detail-actions';
import type { RunDetailModel } from './detail-model';

const RunPage = late(() => import('./run-page'));

/** One run in the main area: its steps over time, and beside them what is selected. */
export class RunView extends ReactWidget {
  constructor(private readonly _options: RunView.IOptions) {
    super();
    this.addClass('jp-mlplat-RunView');
    _options.detail.changed.connect(this._updateTitle, this);
  }

  override dispose(): void {
    this._options.detail.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    const { detail, trans } = this._options;
    return (
      <Trans.Provider value={trans}>
        <LoadBoundary>
          <UseSignal signal={detail.changed}>
            {() => <RunPage {...this._options} />}
          </UseSignal>
        </LoadBoundary>
      </Trans.Provider>
    );
  }

  private _updateTitle(): void {
    const { detail, trans } = this._options;
    const { run } = detail.watch;
    if (run) {
      this.title.label = trans.__('Run %1', run.number);
      this.title.caption = `${run.pipeline} · ${stateLabel(trans, run.state)}`;
    }
  }
}

export namespace RunView {
  export interface IOptions {
    /** Disposed with the view. */
    detail: RunDetailModel;
    actions: IRunDetailActions;
    rendermime: IRenderMimeRegistry;
    trans: TranslationBundle;
  }
}
