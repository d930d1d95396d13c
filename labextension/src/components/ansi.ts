/** How a piece of terminal text looks; colours are indices 0-15 of the theme's ANSI palette. */
export interface IAnsiStyle {
  color: number | null;
  background: number | null;
  isBold: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isInverse: boolean;
}

/** Text of one style. */
export interface IAnsiSpan {
  text: string;
  style: IAnsiStyle;
}

const PLAIN: IAnsiStyle = {
  color: null,
  background: null,
  isBold: false,
  isItalic: false,
  isUnderlined: false,
  isInverse: false
};

// A control sequence (group 1: parameters, group 2: final byte), an operating system command
// (links, titles), or a lone control character other than tab.
const CONTROL =
  /\x1b\[([0-9;:?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?|[\x00-\x08\x0b-\x1f\x7f]/g;

/**
 * Cut terminal text into spans of one style. Colours and weights are kept; cursor movement, titles and
 * other control characters are dropped. The result is data, never markup.
 */
export function parseAnsi(text: string): IAnsiSpan[] {
  const spans: IAnsiSpan[] = [];
  let style = PLAIN;
  let position = 0;
  const push = (end: number) => {
    if (end > position) {
      spans.push({ text: text.slice(position, end), style });
    }
  };
  for (const match of text.matchAll(CONTROL)) {
    push(match.index);
    position = match.index + match[0].length;
    if (match[2] === 'm') {
      style = select(style, match[1]);
    }
  }
  push(text.length);
  return spans;
}

/** Return the text without its control sequences. */
export function stripAnsi(text: string): string {
  return text.replace(CONTROL, '');
}

function select(style: IAnsiStyle, parameters: string): IAnsiStyle {
  const codes = parameters.split(/[;:]/).map(Number);
  let result = style;
  while (codes.length > 0) {
    const code = codes.shift() as number;
    if (code === 38 || code === 48) {
      const color = extended(codes);
      result =
        code === 38 ? { ...result, color } : { ...result, background: color };
    } else {
      result = simple(result, code);
    }
  }
  return result;
}

function simple(style: IAnsiStyle, code: number): IAnsiStyle {
  switch (code) {
    case 0:
      return PLAIN;
    case 1:
      return { ...style, isBold: true };
    case 3:
      return { ...style, isItalic: true };
    case 4:
      return { ...style, isUnderlined: true };
    case 7:
      return { ...style, isInverse: true };
    case 22:
      return { ...style, isBold: false };
    case 23:
      return { ...style, isItalic: false };
    case 24:
      return { ...style, isUnderlined: false };
    case 27:
      return { ...style, isInverse: false };
    case 39:
      return { ...style, color: null };
    case 49:
      return { ...style, background: null };
  }
  if (code >= 30 && code <= 37) {
    return { ...style, color: code - 30 };
  }
  if (code >= 40 && code <= 47) {
    return { ...style, background: code - 40 };
  }
  if (code >= 90 && code <= 97) {
    return { ...style, color: code - 82 };
  }
  if (code >= 100 && code <= 107) {
    return { ...style, background: code - 92 };
  }
  return style;
}

/** Bring a 256-colour or true-colour code down to the palette, so that every theme stays legible. */
function extended(codes: number[]): number | null {
  const kind = codes.shift();
  if (kind === 5) {
    const index = codes.shift() ?? 0;
    if (index < 16) {
      return index;
    }
    if (index >= 232) {
      return index < 244 ? 8 : 7;
    }
    const cube = index - 16;
    return nearest(
      Math.floor(cube / 36) / 5,
      (Math.floor(cube / 6) % 6) / 5,
      (cube % 6) / 5
    );
  }
  if (kind === 2) {
    const [red = 0, green = 0, blue = 0] = codes.splice(0, 3);
    return nearest(red / 255, green / 255, blue / 255);
  }
  return null;
}

function nearest(red: number, green: number, blue: number): number {
  const strongest = Math.max(red, green, blue);
  if (strongest < 0.25) {
    return 8;
  }
  const bit = (share: number) => (share > strongest * 0.6 ? 1 : 0);
  return bit(red) + 2 * bit(green) + 4 * bit(blue) + (strongest > 0.7 ? 8 : 0);
}
