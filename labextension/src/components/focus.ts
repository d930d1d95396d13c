import type * as React from 'react';

/** Let the arrow keys go from one to the next of the elements that match, inside whoever listens. */
export function arrowsAmong(
  selector: string
): (event: React.KeyboardEvent) => void {
  return event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) {
      return;
    }
    const all = [
      ...event.currentTarget.querySelectorAll<HTMLElement>(selector)
    ];
    const index = all.findIndex(one => one === document.activeElement);
    all[index + step]?.focus();
    event.preventDefault();
  };
}
