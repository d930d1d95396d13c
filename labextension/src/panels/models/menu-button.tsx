import * as React from 'react';

import { dotsIcon } from '../../icons';

/** A button that opens a menu of commands. */
export function MenuButton(props: {
  label: string;
  onOpen: (below: Element) => void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-mlplat-IconButton"
      aria-label={props.label}
      aria-haspopup="menu"
      title={props.label}
      onClick={event => props.onOpen(event.currentTarget)}
    >
      <dotsIcon.react tag="span" />
    </button>
  );
}
