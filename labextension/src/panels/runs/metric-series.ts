import type { ILineSeries } from '../../charts/series';
import { stepColor } from '../../components/palette';
import type { Metric } from '../../api/types';

/** All values of one metric, in the order they were logged. */
export interface IMetricSeries {
  /** The name; with the step where several steps log the same name. */
  id: string;
  name: string;
  steps: readonly string[];
  points: readonly Metric[];
  last: number;
}

/** What the x axis of a chart counts. */
export type MetricAxis = 'position' | 'time';

/** Put metrics in order: by name, and apart by step where steps share a name. */
export function seriesOf(metrics: readonly Metric[]): readonly IMetricSeries[] {
  const byName = new Map<string, Map<string, Metric[]>>();
  for (const metric of metrics) {
    const bySteps = byName.get(metric.name) ?? new Map<string, Metric[]>();
    byName.set(metric.name, bySteps);
    const points = bySteps.get(metric.step) ?? [];
    bySteps.set(metric.step, points);
    points.push(metric);
  }
  return [...byName].flatMap(([name, bySteps]) =>
    [...bySteps].map(([step, points]) => ({
      id: bySteps.size > 1 ? `${name} (${step})` : name,
      name,
      steps: [step],
      points,
      last: points[points.length - 1].value
    }))
  );
}

/** The lines to draw for some of the metrics; each keeps its colour whichever others are shown. */
export function linesOf(
  all: readonly IMetricSeries[],
  shown: readonly string[],
  axis: MetricAxis
): readonly ILineSeries[] {
  return all.flatMap((series, index) =>
    shown.includes(series.id)
      ? [
          {
            id: series.id,
            label: series.id,
            color: stepColor(index),
            points: series.points.map((point, order) => [
              axis === 'time'
                ? Date.parse(point.logged_at) / 1000
                : (point.position ?? order),
              point.value
            ])
          } satisfies ILineSeries
        ]
      : []
  );
}

/** Take at most so many of the values, evenly, the first and the last among them. */
export function thin(
  values: readonly number[],
  count: number
): readonly number[] {
  return values.length <= count
    ? values
    : Array.from(
        { length: count },
        (_, index) =>
          values[Math.round((index * (values.length - 1)) / (count - 1))]
      );
}
