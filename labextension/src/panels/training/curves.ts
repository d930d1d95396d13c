import { decimate } from '../../charts/series';
import type { ILineSeries } from '../../charts/series';
import { stepColor } from '../../components/palette';
import { linesOf, seriesOf } from '../runs/metric-series';
import type { MetricAxis } from '../runs/metric-series';
import type { ICurveSource } from './watch';

/** One chart: a metric, with a line for each job that logs it. */
export interface ICurves {
  name: string;
  series: readonly ILineSeries[];
}

/** The metrics of some jobs by name, each job in one colour; those the first logs come first. */
export function curvesOf(
  jobs: readonly ICurveSource[],
  axis: MetricAxis
): readonly ICurves[] {
  const charts = new Map<string, ILineSeries[]>();
  jobs.forEach(({ id, watch }, index) => {
    const all = seriesOf(watch.metrics);
    const lines = linesOf(
      all,
      all.map(series => series.id),
      axis
    );
    lines.forEach((line, place) => {
      const { name } = all[place];
      const chart = charts.get(name) ?? [];
      charts.set(name, chart);
      const job = `#${watch.run?.number ?? '…'}`;
      const isSplit = line.id !== name;
      chart.push({
        id: `${id}/${line.id}`,
        label:
          jobs.length > 1 ? `${job}${isSplit ? ` ${line.id}` : ''}` : line.id,
        color: stepColor(jobs.length > 1 ? index : chart.length),
        points: decimate(line.points, MOST_POINTS)
      });
    });
  });
  return [...charts].map(([name, series]) => ({ name, series }));
}

/** More than a screen is wide. */
const MOST_POINTS = 4000;
