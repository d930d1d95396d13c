import * as React from 'react';

import type { IAnsiSpan } from './ansi';
import { parseAnsi } from './ansi';
import { classOf } from './ansi-style';

/** Terminal text with its colours, or a piece of it. Text stays text: nothing in it becomes markup. */
export function AnsiText(props: {
  text: string;
  highlight?: string;
  /** Where the piece begins and ends, counted without the codes. */
  start?: number;
  end?: number;
}): JSX.Element {
  const { start = 0, end = Infinity } = props;
  return (
    <>
      {cut(parseAnsi(props.text), start, end).map((span, index) => (
        <span key={index} className={classOf(span.style)}>
          {props.highlight ? mark(span.text, props.highlight) : span.text}
        </span>
      ))}
    </>
  );
}

function cut(spans: IAnsiSpan[], start: number, end: number): IAnsiSpan[] {
  if (start === 0 && end === Infinity) {
    return spans;
  }
  let at = 0;
  return spans.flatMap(span => {
    const text = span.text.slice(
      Math.max(0, start - at),
      Math.max(0, end - at)
    );
    at += span.text.length;
    return text === '' ? [] : [{ ...span, text }];
  });
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
