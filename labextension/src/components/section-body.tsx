import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Trans } from './context';
import { LoadBoundary } from './load-boundary';

/**
 * The body of a section of the side panel. It is drawn from the moment it is first looked at, so that
 * its code, which it imports lazily, is loaded no earlier.
 */
export abstract class SectionBody extends ReactWidget {
  constructor(private readonly _trans: TranslationBundle) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  /** What it looks like; parts may suspend while they are loaded. */
  protected abstract draw(): JSX.Element;

  protected override onAfterShow(): void {
    if (!this._isSeen) {
      this.update();
    }
  }

  protected render(): JSX.Element | null {
    this._isSeen ||= this.isVisible;
    return this._isSeen ? (
      <Trans.Provider value={this._trans}>
        <LoadBoundary>{this.draw()}</LoadBoundary>
      </Trans.Provider>
    ) : null;
  }

  private _isSeen = false;
}
