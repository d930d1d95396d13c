/** One line of a chart. */
export interface ILineSeries {
  id: string;

  /** Shown in the legend; plain text. */
  label: string;

  /** Any CSS colour, custom properties included: `var(--jp-mlplat-step-0)`. */
  color: string;

  /** Points (x, y) in any order; a value that is no finite number leaves a gap. */
  points: readonly (readonly [number, number])[];
}

/** How a chart is read; the reader may change it. */
export interface ILineOptions {
  /** Logarithmic y axis: values of zero and below leave gaps. */
  isLog: boolean;

  /** Share of what came before in each value, from 0 (as logged) to below 1. */
  smoothing: number;
}

export const PLAIN: ILineOptions = { isLog: false, smoothing: 0 };

/** Columns over one common x axis: what uPlot draws. */
export type Columns = [number[], ...(number | null)[][]];

/** Put lines over their common x axis, in order; of two points at one place the last holds. */
export function align(
  series: readonly Pick<ILineSeries, 'points'>[],
  isLog = false
): Columns {
  const isDrawn = (y: number) => Number.isFinite(y) && (!isLog || y > 0);
  const at = series.map(
    ({ points }) =>
      new Map(points.map(([x, y]) => [x, isDrawn(y) ? y : null] as const))
  );
  const xs = [...new Set(at.flatMap(line => [...line.keys()]))]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  return [xs, ...at.map(line => xs.map(x => line.get(x) ?? null))];
}

/**
 * Smooth by an exponential moving average that does not start at zero: the first values weigh as
 * much as they should (the correction of Adam's moments). Gaps stay gaps.
 */
export function smooth(
  values: readonly (number | null)[],
  weight: number
): (number | null)[] {
  let average = 0;
  let seen = 0;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    average = average * weight + (1 - weight) * value;
    seen += 1;
    return average / (1 - weight ** seen);
  });
}

/**
 * Take at most so many points that draw the same line: of each stretch the least and the greatest value,
 * so that no spike is lost. Points are in the order of their x.
 */
export function decimate(
  points: readonly (readonly [number, number])[],
  most: number
): readonly (readonly [number, number])[] {
  if (points.length <= most) {
    return points;
  }
  const stretches = Math.max(1, Math.floor(most / 2) - 1);
  const kept = [points[0]];
  const size = (points.length - 2) / stretches;
  for (let index = 0; index < stretches; index++) {
    const from = 1 + Math.floor(index * size);
    const to = Math.min(points.length - 1, 1 + Math.floor((index + 1) * size));
    let [least, greatest] = [from, from];
    for (let at = from; at < to; at++) {
      least = points[at][1] < points[least][1] ? at : least;
      greatest = points[at][1] > points[greatest][1] ? at : greatest;
    }
    const [first, second] = [least, greatest].sort((a, b) => a - b);
    kept.push(points[first]);
    if (second !== first) {
      kept.push(points[second]);
    }
  }
  return [...kept, points[points.length - 1]];
}
