import * as React from 'react';

import { parseAnsi } from './ansi';
import { classOf } from './ansi-style';

/** Terminal text with its colours. Text stays text: nothing in it becomes markup. */
export function AnsiText(props: {
  text: string;
  highlight?: string;
}): JSX.Element {
  return (
    <>
      {parseAnsi(props.text).map((span, index) => (
        <span key={index} className={classOf(span.style)}>
          {props.highlight ? mark(span.text, props.highlight) : span.text}
        </span>
      ))}
    </>
  );
}

function mark(text: string, needle: string): React.ReactNode[] {
  const parts: React.ReactNode[] = [];
  const lower = text.toLowerCase();
  const wanted = needle.toLowerCase();
  let position = 0;
  for (
    let found = lower.indexOf(wanted);
    found >= 0;
    found = lower.indexOf(wanted, position)
  ) {
    parts.push(text.slice(position, found));
    position = found + needle.length;
    parts.push(<mark key={found}>{text.slice(found, position)}</mark>);
  }
  parts.push(text.slice(position));
  return parts;
}
