import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Trans } from '../../components/context';
import { LoadBoundary } from '../../components/load-boundary';
import { stateLabel } from '../../components/state';
import type { IJobDetail } from './model';

/** One job in the main area; disposes what it shows. */
export class JobView extends ReactWidget {
  constructor(
    private readonly _watch: IJobDetail,
    private readonly _trans: TranslationBundle,
    private readonly _titleOf: (number: number) => string,
    private readonly _draw: () => JSX.Element
  ) {
    super();
    this.addClass('jp-mlplat-JobView');
    this.node.tabIndex = -1;
    _watch.changed.connect(this._updateTitle, this);
  }

  override dispose(): void {
    this._watch.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <LoadBoundary>
          <UseSignal signal={this._watch.changed}>{this._draw}</UseSignal>
        </LoadBoundary>
      </Trans.Provider>
    );
  }

  private _updateTitle(): void {
    const { run } = this._watch.watch;
    if (run) {
      this.title.label = this._titleOf(run.number);
      this.title.caption = `${run.pipeline} · ${stateLabel(this._trans, run.state)}`;
    }
  }
}
