import type { LogLevel } from './log-level';
import type { ILogLine } from './log-model';

/** Which lines to show: those at least as grave. Lines that do not say are taken for information. */
export type LevelFilter = 'all' | Exclude<LogLevel, 'debug'>;

const GRAVITY = { debug: 0, info: 1, warning: 2, error: 3 } as const;

/** The lines that a filter lets through. */
export function filterLines(
  lines: readonly ILogLine[],
  filter: LevelFilter
): readonly ILogLine[] {
  if (filter === 'all') {
    return lines;
  }
  const least = GRAVITY[filter];
  return lines.filter(line => GRAVITY[line.level ?? 'info'] >= least);
}

/** Where a text stands: indices of the lines that hold it, whatever its case. */
export function findLines(
  lines: readonly ILogLine[],
  needle: string
): number[] {
  if (needle === '') {
    return [];
  }
  const wanted = new RegExp(needle.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  const found: number[] = [];
  lines.forEach((line, index) => {
    if (wanted.test(line.plain)) {
      found.push(index);
    }
  });
  return found;
}

/** How many lines there are of each level that one looks for. */
export function countLevels(
  lines: readonly ILogLine[]
): Record<'error' | 'warning', number> {
  let error = 0;
  let warning = 0;
  for (const { level } of lines) {
    if (level === 'error') {
      error += 1;
    } else if (level === 'warning') {
      warning += 1;
    }
  }
  return { error, warning };
}

/** A piece of a line, as long as a row on the screen. */
export interface ILogRow {
  line: ILogLine;
  /** Position of the line among those that are shown. */
  index: number;
  start: number;
  end: number;
}

/**
 * Lines as rows of one height: one row a line, or as many as it takes to wrap it. As the font is
 * monospaced, the cut is a matter of counting; so a hundred thousand lines need no measuring.
 */
export class LogRows {
  constructor(
    private readonly _lines: readonly ILogLine[],
    /** How many characters fit into a row; null: lines are not wrapped. */
    private readonly _columns: number | null
  ) {
    if (_columns !== null) {
      this._starts = new Uint32Array(_lines.length + 1);
      for (let index = 0; index < _lines.length; index++) {
        const rows = Math.ceil(_lines[index].plain.length / _columns);
        this._starts[index + 1] = this._starts[index] + Math.max(1, rows);
      }
    }
  }

  get count(): number {
    return this._starts?.[this._lines.length] ?? this._lines.length;
  }

  /** The first row of a line. */
  rowOf(index: number): number {
    return this._starts?.[index] ?? index;
  }

  at(row: number): ILogRow {
    if (this._starts === null || this._columns === null) {
      return {
        line: this._lines[row],
        index: row,
        start: 0,
        end: this._lines[row].plain.length
      };
    }
    const index = this._lineAt(row, this._starts);
    const start = (row - this._starts[index]) * this._columns;
    const line = this._lines[index];
    return { line, index, start, end: start + this._columns };
  }

  /** The last line that begins at a row or before it. */
  private _lineAt(row: number, starts: Uint32Array): number {
    let low = 0;
    let high = this._lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= row) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private readonly _starts: Uint32Array | null = null;
}
