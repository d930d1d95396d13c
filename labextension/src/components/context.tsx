import type { TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';

/** The domain of our texts, as translators know it. */
export const DOMAIN = 'jupyter_mlplat';

/** The texts in the user's language, for every component of the panel. */
export const Trans = React.createContext<TranslationBundle>(
  nullTranslator.load(DOMAIN)
);

export function useTrans(): TranslationBundle {
  return React.useContext(Trans);
}

/** The time, renewed every `intervalMs`, for ages and durations that grow before one's eyes. */
export function useNow(intervalMs: number, isTicking = true): number {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    if (!isTicking) {
      return;
    }
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs, isTicking]);
  return now;
}

/** The width of an element, kept current. */
export function useWidth(
  ref: React.RefObject<HTMLElement>,
  initial: number
): number {
  const [width, setWidth] = React.useState(initial);
  React.useLayoutEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) {
        setWidth(element.clientWidth);
      }
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
