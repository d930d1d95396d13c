import * as React from 'react';

import { ErrorNote } from './basics';
import { Trans } from './context';

/**
 * Holds what is loaded when it is first drawn. Where its code has gone meanwhile, because the extension was
 * updated under an open page, it says so instead of leaving an empty place.
 */
export class LoadBoundary extends React.Component<
  { children: React.ReactNode; fallback?: React.ReactNode },
  { error: Error | null }
> {
  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override state: { error: Error | null } = { error: null };

  override render(): React.ReactNode {
    const { error } = this.state;
    if (error === null) {
      const { children, fallback = null } = this.props;
      return <React.Suspense fallback={fallback}>{children}</React.Suspense>;
    }
    return (
      <Trans.Consumer>
        {trans => (
          <ErrorNote
            error={
              error.name === 'ChunkLoadError'
                ? new Error(
                    trans.__(
                      'This part of the ML platform could not be loaded: it was probably updated. Save your work and reload the page.'
                    )
                  )
                : error
            }
            action={{
              label: trans.__('Reload the page'),
              onClick: () => window.location.reload()
            }}
          />
        )}
      </Trans.Consumer>
    );
  }
}
