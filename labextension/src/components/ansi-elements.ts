import { parseAnsi } from './ansi';
import { classOf } from './ansi-style';

/** Terminal text with its colours as elements, where there is no React. Text stays text. */
export function ansiElements(text: string): HTMLElement[] {
  return parseAnsi(text).map(({ text, style }) => {
    const span = document.createElement('span');
    span.className = classOf(style) ?? '';
    span.textContent = text;
    return span;
  });
}
