import type { IAnsiStyle } from './ansi';

/** The classes that `style/ansi.css` gives a piece of terminal text. */
export function classOf(style: IAnsiStyle): string | undefined {
  const [color, background] = style.isInverse
    ? [style.background, style.color ?? 7]
    : [style.color, style.background];
  const names = [
    color !== null && `jp-mlplat-ansi-fg-${color}`,
    background !== null && `jp-mlplat-ansi-bg-${background}`,
    style.isBold && 'jp-mlplat-ansi-bold',
    style.isItalic && 'jp-mlplat-ansi-italic',
    style.isUnderlined && 'jp-mlplat-ansi-underlined'
  ].filter(Boolean);
  return names.length > 0 ? names.join(' ') : undefined;
}
