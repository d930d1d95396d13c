import * as React from 'react';

import { backIcon } from '../icons';
import { IconButton } from './basics';

/** The head of a section or of what is open in it: its name, what is so of it, what can be done. */
export function Header(props: {
  title: string;
  /** The whole of a title that may be cut, or more than it says. */
  hint?: string;
  facts?: React.ReactNode;
  factsHint?: string;
  /** Whether a change of the facts is read aloud. */
  isLive?: boolean;
  /** The way back to where this was opened; the focus goes there at first. */
  back?: { label: string; onClick: () => void };
  /** The actions; the primary one last. */
  children?: React.ReactNode;
}): JSX.Element {
  const { back, facts } = props;
  return (
    <div className="jp-mlplat-Header">
      {back && <IconButton isFocusedAtFirst icon={backIcon} {...back} />}
      <div className="jp-mlplat-Header-text">
        <h2 className="jp-mlplat-Header-title" title={props.hint}>
          {props.title}
        </h2>
        {facts !== undefined && (
          <div
            className="jp-mlplat-Header-facts"
            title={props.factsHint}
            aria-live={props.isLive ? 'polite' : undefined}
          >
            {facts}
          </div>
        )}
      </div>
      {props.children && (
        <div className="jp-mlplat-Header-actions">{props.children}</div>
      )}
    </div>
  );
}

/** What is open in a section in the place of its list. Escape goes back to that, except from a field. */
export function Opened(props: {
  onBack: () => void;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div
      className="jp-mlplat-Opened"
      role="presentation"
      onKeyDown={event => {
        const isField = (event.target as Element).matches(
          'input, textarea, select'
        );
        if (event.key === 'Escape' && !event.defaultPrevented && !isField) {
          event.stopPropagation();
          props.onBack();
        }
      }}
    >
      {props.children}
    </div>
  );
}
