import type * as React from 'react';

/** The row of a list that a key leads to from another one; null: the key is not one that moves. */
export function rowAt(
  key: string,
  from: number,
  count: number,
  onScreen: number
): number | null {
  const step = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: onScreen,
    PageUp: -onScreen,
    Home: -Infinity,
    End: Infinity
  }[key];
  return step === undefined
    ? null
    : Math.min(Math.max(0, from + step), count - 1);
}

/** Which tab a key leads to, of so many; null: it is not a key that moves. */
export function tabAt(
  key: string,
  index: number,
  count: number
): number | null {
  switch (key) {
    case 'ArrowRight':
      return (index + 1) % count;
    case 'ArrowLeft':
      return (index - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/** Let a row of tabs be walked by keyboard: what is walked to is chosen, and focused. */
export function walkTabs(
  event: React.KeyboardEvent<HTMLElement>,
  index: number,
  count: number,
  choose: (index: number) => void
): void {
  const next = tabAt(event.key, index, count);
  if (next !== null) {
    choose(next);
    event.currentTarget
      .querySelectorAll<HTMLElement>('[role=tab]')
      [next].focus();
    event.preventDefault();
  }
}

/** Whether the focus went away with what had it. */
export function isFocusLost(): boolean {
  return (
    document.activeElement === null || document.activeElement === document.body
  );
}
