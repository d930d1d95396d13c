import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Connection } from '../api/connection';
import { ErrorNote, Scroll } from './basics';
import { Trans } from './context';
import { LoadBoundary } from './load-boundary';

/**
 * The body of a section of the side panel. It is drawn from the moment it is first looked at, so that
 * its code, which it imports lazily, is loaded no earlier.
 */
export abstract class SectionBody extends ReactWidget {
  /**
   * @param _connection - Given by sections that are nothing without the engine: as long as it has never
   * answered, that is what they say.
   */
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _connection: Connection | null = null
  ) {
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
        <LoadBoundary>
          {this._connection === null ? (
            this.draw()
          ) : (
            <UseSignal signal={this._connection.changed}>
              {() => this._drawReached()}
            </UseSignal>
          )}
        </LoadBoundary>
      </Trans.Provider>
    ) : null;
  }

  private _drawReached(): JSX.Element {
    const connection = this._connection;
    if (connection === null || connection.status !== null) {
      return this.draw();
    }
    return (
      <Scroll>
        {connection.state === 'offline' ? (
          <ErrorNote
            error={connection.error}
            action={{
              label: this._trans.__('Try again'),
              onClick: () => void connection.ensure()
            }}
          />
        ) : (
          <p className="jp-mlplat-Hint jp-mlplat-Waiting" aria-busy="true">
            {this._trans.__('Waiting for the engine…')}
          </p>
        )}
      </Scroll>
    );
  }

  private _isSeen = false;
}
