import type { ModelVersion } from '../../api/types';

/** Which way a metric gets better. */
export type Direction = 'higher' | 'lower';

/** One metric over the versions that are compared; null where a version lacks it. */
export interface IMetricRow {
  name: string;
  direction: Direction;
  values: readonly (number | null)[];

  /** Whether each value is the best of those compared; none is where all are alike. */
  isBest: readonly boolean[];
}

/** Names of errors, losses and costs: for these, less is better. */
const LOWER =
  /(^|[^a-z])(loss|error|err|mse|rmse|mae|mape|rmsle|deviance|perplexity|brier|wer|cer|fpr|fnr|latency|duration|time|seconds|bytes|size|cost)([^a-z]|$)|loss$|error$/i;

/** Guess which way a metric gets better by what it is called. */
export function directionOf(name: string): Direction {
  return LOWER.test(name) ? 'lower' : 'higher';
}

/** Put the metrics of versions side by side, by name, the best of each marked. */
export function compareMetrics(
  versions: readonly ModelVersion[],
  turned: ReadonlySet<string> = new Set()
): IMetricRow[] {
  const names = new Set(
    versions.flatMap(version => Object.keys(version.metrics))
  );
  return [...names].sort().map(name => {
    const guess = directionOf(name);
    const direction = !turned.has(name)
      ? guess
      : guess === 'lower'
        ? 'higher'
        : 'lower';
    const values = versions.map(version => version.metrics[name] ?? null);
    const known = values.filter((value): value is number => value !== null);
    const best =
      direction === 'lower' ? Math.min(...known) : Math.max(...known);
    const isTold = known.some(value => value !== best);
    return {
      name,
      direction,
      values,
      isBest: values.map(value => isTold && value === best)
    };
  });
}

/** Versions worth comparing before anybody has chosen: those with aliases and the newest. */
export function firstCompared(versions: readonly ModelVersion[]): number[] {
  const newest = [...versions].reverse();
  const chosen = [
    ...newest.filter(version => version.aliases.length > 0),
    ...newest
  ].slice(0, MOST_AT_FIRST);
  return [...new Set(chosen.map(({ version }) => version))].sort(
    (a, b) => a - b
  );
}

/** What fits into a side panel. */
const MOST_AT_FIRST = 3;
