import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { late } from '../../components/late';
import { SectionBody } from '../../components/section-body';
import type { ILineageActions } from './actions';
import type { LineageModel } from './model';

const LineageView = late(() => import('./view'));

/** The body of the Lineage section. */
export class LineageBody extends SectionBody {
  constructor(private readonly _options: LineageBody.IOptions) {
    super(_options.trans);
    this.addClass('jp-mlplat-Lineage');
  }

  /** What is offered first is what is newest now. */
  protected override onAfterShow(): void {
    super.onAfterShow();
    if (this._options.model.explorer === null) {
      void this._options.model.search();
    }
  }

  protected draw(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <LineageView {...this._options} />}
      </UseSignal>
    );
  }
}

export namespace LineageBody {
  export interface IOptions {
    model: LineageModel;
    actions: ILineageActions;
    trans: TranslationBundle;
  }
}
