import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from '../../components/context';
import type { TourModel, TourStep } from './model';

const Card = React.lazy(() => import('./view'));

/** What the card lets a user do. */
export interface ITourActions {
  openExample: () => void;
  /** Bring the control that a step is about into sight and give it the focus. */
  showTarget: (step: TourStep) => void;
  end: () => void;
}

/** The guided first run as a card on top of the panel. It covers nothing, and work goes on below it. */
export class TourCard extends ReactWidget {
  constructor(
    private readonly _model: TourModel,
    private readonly _actions: ITourActions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-Tour');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Guided first run'));
    _model.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  override dispose(): void {
    this._model.changed.disconnect(this._onChanged, this);
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <UseSignal signal={this._model.changed}>
          {() =>
            this._model.isShown ? (
              <React.Suspense fallback={null}>
                <Card model={this._model} actions={this._actions} />
              </React.Suspense>
            ) : null
          }
        </UseSignal>
      </Trans.Provider>
    );
  }

  private _onChanged(): void {
    this.setHidden(!this._model.isShown);
  }
}
