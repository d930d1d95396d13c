import { formatNumber } from '../components/format';

/** One upright axis: numbers between two ends, or words. */
export type IAxis = { id: string; label: string } & (
  | { kind: 'number'; isLog: boolean; low: number; high: number }
  | { kind: 'word'; words: readonly string[] }
);

/** One line across all axes. */
export interface IThread {
  id: string;

  /** What is said of it; plain text. */
  label: string;

  /** A value for each axis; null leaves a gap. */
  values: readonly (number | string | null)[];

  /** How good it is, from 0 to 1: the better, the stronger its colour. Without one it has `color`. */
  score?: number;
  color?: string;
}

/** Where on an axis a value lies, from 0 to 1; null: nowhere. */
export function shareOf(
  axis: IAxis,
  value: number | string | null
): number | null {
  if (value === null) {
    return null;
  }
  if (axis.kind === 'word') {
    const index = axis.words.indexOf(String(value));
    return index < 0
      ? null
      : axis.words.length === 1
        ? 0.5
        : index / (axis.words.length - 1);
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return null;
  }
  const { low, high, isLog } = axis;
  if (low === high) {
    return 0.5;
  }
  const at = isLog
    ? Math.log(value / low) / Math.log(high / low)
    : (value - low) / (high - low);
  return Number.isFinite(at) ? Math.max(0, Math.min(1, at)) : null;
}

/** An axis about numbers, with a little room at both ends. */
export function axisAbout(
  label: string,
  values: readonly number[],
  isLog = false
): IAxis {
  const all = values.filter(value => Number.isFinite(value));
  const [low, high] =
    all.length === 0 ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const room = isLog ? 0 : (high - low || Math.abs(high) || 1) * 0.06;
  return {
    id: label,
    label,
    kind: 'number',
    isLog: isLog && low > 0,
    low: low - room,
    high: high + room
  };
}

/** Round numbers on an axis, with where they lie. */
export function ticks(axis: IAxis, most: number): [string, number][] {
  if (axis.kind === 'word') {
    const every = Math.ceil(axis.words.length / Math.max(1, most));
    return axis.words.flatMap((word, index): [string, number][] =>
      index % every === 0 ? [[word, shareOf(axis, word) ?? 0]] : []
    );
  }
  const { low, high, isLog } = axis;
  const found: number[] = [];
  if (isLog) {
    const from = Math.ceil(Math.log10(low) - 1e-9);
    const to = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((to - from + 1) / most));
    for (let power = from; power <= to; power += every) {
      found.push(10 ** power);
    }
    if (found.length < 2) {
      found.splice(0, found.length, low, high);
    }
  } else {
    const raw = (high - low || 1) / most;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step =
      [1, 2, 5, 10].map(times => times * unit).find(size => size >= raw) ?? raw;
    for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
      found.push(Math.abs(at) < step * 1e-6 ? 0 : at);
    }
  }
  return found.map(value => [formatNumber(value), shareOf(axis, value) ?? 0]);
}
