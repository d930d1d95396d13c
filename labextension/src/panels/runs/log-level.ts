/** How much a line of a log matters; most lines do not say. */
export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

/** What a line is guessed from: the level of the line before it, and whether a traceback is open. */
export interface ILevelState {
  level: LogLevel | null;
  isTraceback: boolean;
}

export const NO_LEVEL: ILevelState = { level: null, isTraceback: false };

const WORDS: Readonly<Record<string, LogLevel>> = {
  CRITICAL: 'error',
  FATAL: 'error',
  ERROR: 'error',
  SEVERE: 'error',
  WARNING: 'warning',
  WARN: 'warning',
  INFO: 'info',
  NOTICE: 'info',
  SUCCESS: 'info',
  DEBUG: 'debug',
  TRACE: 'debug',
  E: 'error',
  F: 'error',
  W: 'warning',
  I: 'info',
  D: 'debug'
};

const NAMES =
  'CRITICAL|FATAL|ERROR|SEVERE|WARNING|WARN|INFO|NOTICE|SUCCESS|DEBUG|TRACE';

/** `ERROR:root:…`, `[W 2026-11-20 …]`, `2026-11-20 12:00:00,123 - name - INFO - …`, loguru's bars. */
const FORMATS: readonly RegExp[] = [
  new RegExp(`^\\s*\\[?(${NAMES})\\b\\]?\\s*[:|\\]\\-]`),
  /^\[?([EFWID])\s?\d{4}/,
  new RegExp(
    `^\\[?\\d{2,4}[-/:.]\\d{2}.{0,80}?[\\s[|:\\-](${NAMES})\\b[\\s\\]|:\\-]`
  ),
  new RegExp(`\\blevel=\\"?(${NAMES})\\b`, 'i'),
  new RegExp(`\\"level(?:name)?\\":\\s*\\"(${NAMES})\\"`, 'i')
];

/** What `warnings.warn` writes: `file.py:3: UserWarning: …`. */
const WARNING = /^\S.*:\d+: \w*Warning: /;
const TRACEBACK =
  /^(?:\s*\+ )?\s*(?:Exception Group )?Traceback \(most recent call last\):?/;
/** The last line of a traceback: the error's name, at the margin. */
const RAISED =
  /^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Iteration)\b(?::|$)/;
/** Lines that fatal ends leave behind. */
const FATAL =
  /^(?:Segmentation fault|Aborted|Killed|Fatal Python error|terminate called|Bus error)/;
/** What stands between the tracebacks of chained errors. */
const CHAINED =
  /^(?:During handling of the above exception|The above exception was the direct cause)/;

/** Guess the level of a line without its colours, from the line and from what came before it. */
export function guessLevel(plain: string, before: ILevelState): ILevelState {
  if (before.isTraceback) {
    const isOpen = plain === '' || /^[\s|+]/.test(plain);
    return { level: 'error', isTraceback: isOpen };
  }
  if (TRACEBACK.test(plain)) {
    return { level: 'error', isTraceback: true };
  }
  if (CHAINED.test(plain) || RAISED.test(plain) || FATAL.test(plain)) {
    return { level: 'error', isTraceback: false };
  }
  if (WARNING.test(plain)) {
    return { level: 'warning', isTraceback: false };
  }
  for (const format of FORMATS) {
    const word = format.exec(plain)?.[1];
    if (word) {
      return { level: WORDS[word.toUpperCase()], isTraceback: false };
    }
  }
  // A line that is set in goes on with the message before it.
  return /^\s+\S/.test(plain) ? before : NO_LEVEL;
}
