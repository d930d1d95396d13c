import * as React from 'react';

/**
 * A component whose code is loaded when it is first drawn.
 *
 * As `React.lazy`, but shown as soon as it is there. React holds what was suspended back for up to half
 * a second, and signals that are emitted meanwhile are heard by nobody.
 */
export function late<P extends object>(
  load: () => Promise<{ default: React.ComponentType<P> }>
): React.FunctionComponent<P> {
  let found: React.ComponentType<P> | null = null;
  let loading: Promise<void> | null = null;
  const begin = () =>
    load().then(
      module => {
        found = module.default;
      },
      error => {
        loading = null; // who looks again may have more luck
        throw error;
      }
    );
  return function Late(props: P): JSX.Element | null {
    const [error, setError] = React.useState<unknown>(null);
    const [, drawAnew] = React.useState(false);
    if (found === null && error === null) {
      loading ??= begin();
    }
    React.useLayoutEffect(() => {
      let isShown = true;
      loading?.then(
        () => isShown && drawAnew(true),
        reason => isShown && setError(reason)
      );
      return () => {
        isShown = false;
      };
    }, []);
    if (error !== null) {
      throw error;
    }
    const Found = found;
    return Found && <Found {...props} />;
  };
}
