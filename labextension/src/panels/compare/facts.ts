import type { ILineSeries } from '../../charts/series';
import type { Metric, Pipeline, Run } from '../../api/types';
import { stepColor } from '../../components/palette';
import { align } from './diff';

/** One of the runs side by side, as far as it is loaded. */
export interface ICompared {
  run: Run;
  pipeline: Pipeline | null;
  metrics: readonly Metric[];
}

/** A row of a table: a name and a value a run; null where a run has none. */
export interface IRow<T> {
  name: string;
  values: (T | null)[];
  differs: boolean;
}

export interface IMetricRow extends IRow<number> {
  /** Places of the best values; empty where nobody can say what is better. */
  best: readonly number[];
}

/** The values that runs had for each parameter: those that differ first. */
export function parameterRows(runs: readonly ICompared[]): IRow<string>[] {
  const valuesOf = ({ run, pipeline }: ICompared) =>
    new Map([
      ...(pipeline?.parameters ?? []).map((parameter): [string, string] => [
        parameter.name,
        parameter.expression
      ]),
      ...Object.entries(run.parameters).map(
        ([name, value]): [string, string] => [name, JSON.stringify(value)]
      )
    ]);
  return differingFirst(rowsOf(runs.map(valuesOf)));
}

/** The last value of each metric, with the best of each marked. */
export function metricRows(runs: readonly ICompared[]): IMetricRow[] {
  const last = runs.map(
    ({ metrics }) => new Map(metrics.map(each => [each.name, each.value]))
  );
  return rowsOf(last).map(row => ({ ...row, best: bestOf(row) }));
}

/** How long each step took; null where it did not run, 0 where it was taken from the cache. */
export function durationRows(runs: readonly ICompared[]): IRow<number>[] {
  return rowsOf(
    runs.map(
      ({ run }) =>
        new Map(
          run.tasks.map(task => [task.name, task.cached ? 0 : task.duration_s])
        )
    )
  );
}

/** Metrics that were logged at more than one position, as lines by run. */
export function curves(
  runs: readonly ICompared[]
): { name: string; series: ILineSeries[] }[] {
  const names = new Set(
    runs.flatMap(({ metrics }) =>
      metrics.filter(each => each.position !== null).map(each => each.name)
    )
  );
  return [...names]
    .map(name => ({
      name,
      series: runs.map(({ run, metrics }, index) => ({
        id: run.id,
        label: `#${run.number}`,
        color: stepColor(index),
        points: metrics
          .filter(each => each.name === name && each.position !== null)
          .map((each): [number, number] => [each.position ?? 0, each.value])
      }))
    }))
    .filter(({ series }) => series.some(line => line.points.length > 1));
}

/** A cell in two runs; null where a run does not have it. */
export interface ICellPair {
  before: ICell | null;
  after: ICell | null;
}

export interface ICell {
  id: string;
  step: string;
  source: string;
}

/** The cells of two pipelines side by side, in the order of the notebook. */
export function cellPairs(before: Pipeline, after: Pipeline): ICellPair[] {
  const isLike = (a: ICell, b: ICell) => a.id === b.id || a.source === b.source;
  return align(cellsOf(before), cellsOf(after), isLike).map(([a, b]) => ({
    before: a,
    after: b
  }));
}

function cellsOf(pipeline: Pipeline): ICell[] {
  const found = new Map<string, ICell & { index: number }>();
  for (const step of pipeline.steps) {
    for (const cell of step.cells) {
      const { id, index, source } = cell;
      found.set(id, found.get(id) ?? { id, index, source, step: step.name });
    }
  }
  const first = pipeline.parameters_cell;
  if (first) {
    found.set(first.id, { ...first, step: '' });
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

function rowsOf<T>(
  columns: readonly ReadonlyMap<string, T | null>[]
): IRow<T>[] {
  const names = new Set(columns.flatMap(column => [...column.keys()]));
  return [...names].map(name => {
    const values = columns.map(column => column.get(name) ?? null);
    return { name, values, differs: new Set(values).size > 1 };
  });
}

function differingFirst<T>(rows: readonly IRow<T>[]): IRow<T>[] {
  return [
    ...rows.filter(row => row.differs),
    ...rows.filter(row => !row.differs)
  ];
}

function bestOf(row: IRow<number>): number[] {
  const direction = betterIs(row.name);
  const values = row.values.filter(
    (value): value is number => value !== null && Number.isFinite(value)
  );
  if (direction === null || !row.differs || values.length < 2) {
    return [];
  }
  const best = direction === 'more' ? Math.max(...values) : Math.min(...values);
  return row.values.flatMap((value, index) => (value === best ? [index] : []));
}

/** Which way a metric is better, by its name; null where that says nothing. */
export function betterIs(name: string): 'more' | 'less' | null {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  if (words.some(word => LESS.has(word))) {
    return 'less';
  }
  return words.some(word => MORE.has(word)) ? 'more' : null;
}

const LESS = new Set(
  'loss error err rmse mse mae mape logloss perplexity brier time latency seconds'.split(
    ' '
  )
);
const MORE = new Set(
  'accuracy acc auc roc f1 precision recall r2 score map ap ndcg bleu rouge iou dice'.split(
    ' '
  )
);
