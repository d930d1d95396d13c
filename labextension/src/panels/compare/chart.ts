import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { IAxis, IThread } from '../../charts/axes';
import { stepColor } from '../../components/palette';
import type { ICompared } from './facts';
import { metricRows } from './facts';

/** A number that each run has: a parameter, the last value of a metric, how long it took. */
export interface IQuantity {
  /** Told apart by kind and name: a metric may be called as a parameter is. */
  id: string;
  kind: 'parameter' | 'metric' | 'duration';
  name: string;
  values: readonly (number | null)[];
}

/** How a chart looks here: its room, and the theme's colours. */
export interface IChartStyle {
  width: number;
  font: string;
  text: string;
  grid: string;
  /** Of the runs, in their order. */
  colors: readonly string[];
}

/** The numbers by which runs differ: what can be set against what. */
export function quantitiesOf(runs: readonly ICompared[]): IQuantity[] {
  const numeric = (value: unknown) =>
    typeof value === 'number' && Number.isFinite(value) ? value : null;
  const names = new Set(
    runs.flatMap(({ run, pipeline }) => [
      ...(pipeline?.parameters ?? []).map(({ name }) => name),
      ...Object.keys(run.parameters)
    ])
  );
  const parameters = [...names].map((name): IQuantity => {
    const values = runs.map(({ run, pipeline }) => {
      const given = run.parameters[name];
      const parameter = pipeline?.parameters.find(it => it.name === name);
      return numeric(given === undefined ? parameter?.default : given);
    });
    return { id: `parameter ${name}`, kind: 'parameter', name, values };
  });
  const metrics = metricRows(runs).map(({ name, values }): IQuantity => ({
    id: `metric ${name}`,
    kind: 'metric',
    name,
    values: values.map(numeric)
  }));
  const duration: IQuantity = {
    id: 'duration',
    kind: 'duration',
    name: '',
    values: runs.map(({ run }) => run.duration_s)
  };
  return [...parameters, ...metrics, duration].filter(
    ({ values }) => new Set(values.filter(value => value !== null)).size > 1
  );
}

/** The last value of each metric as bars, a small chart a metric, in Vega-Lite. */
export function barsOf(
  runs: readonly ICompared[],
  style: IChartStyle
): ReadonlyJSONObject {
  const values = metricRows(runs).flatMap(({ name, values: last }) =>
    last.flatMap((value, index) =>
      value !== null && Number.isFinite(value)
        ? [{ metric: name, run: labelOf(runs[index]), value }]
        : []
    )
  );
  const columns = Math.max(1, Math.floor(style.width / (BAR_WIDTH + GAP)));
  return {
    ...frame(style),
    data: { values },
    columns,
    facet: {
      field: 'metric',
      type: 'nominal',
      sort: null,
      header: { title: null, labelFontWeight: 600, labelLimit: BAR_WIDTH }
    },
    spec: {
      width: BAR_WIDTH,
      height: 130,
      mark: { type: 'bar', cornerRadiusEnd: 2, tooltip: true },
      encoding: {
        x: { field: 'run', type: 'nominal', sort: null, axis: { title: null } },
        y: { field: 'value', type: 'quantitative', axis: { title: null } },
        color: colorOf(runs, style)
      }
    },
    resolve: { scale: { y: 'independent' } }
  };
}

/** One number of each run against another, in Vega-Lite. */
export function scatterOf(
  runs: readonly ICompared[],
  [x, y]: readonly [IQuantity, IQuantity],
  [titleX, titleY]: readonly [string, string],
  style: IChartStyle
): ReadonlyJSONObject {
  const values = runs.flatMap((compared, index) => {
    const [atX, atY] = [x.values[index], y.values[index]];
    return atX === null || atY === null
      ? []
      : [{ run: labelOf(compared), x: atX, y: atY }];
  });
  const axis = (field: string, title: string) => ({
    field,
    type: 'quantitative',
    scale: { zero: false, padding: 18 },
    axis: { title, titleLimit: style.width, tickCount: 6 }
  });
  return {
    ...frame(style),
    width: Math.max(160, Math.min(style.width, WIDEST) - 2 * GAP),
    height: 260,
    data: { values },
    encoding: { x: axis('x', titleX), y: axis('y', titleY) },
    layer: [
      {
        mark: {
          type: 'point',
          filled: true,
          size: 110,
          opacity: 1,
          tooltip: true
        },
        encoding: { color: colorOf(runs, style) }
      },
      {
        mark: { type: 'text', dy: -13, color: style.text },
        encoding: { text: { field: 'run' } }
      }
    ]
  };
}

/** All numbers by which the runs differ, a line for each run in its colour. */
export function parallelOf(
  runs: readonly ICompared[],
  quantities: readonly IQuantity[],
  nameOf: (quantity: IQuantity) => string
): { axes: IAxis[]; threads: IThread[] } {
  const axes = quantities.map((quantity): IAxis => {
    const values = quantity.values.filter(value => value !== null);
    return {
      id: quantity.id,
      label: nameOf(quantity),
      kind: 'number',
      isLog: false,
      low: Math.min(...values),
      high: Math.max(...values)
    };
  });
  const threads = runs.map((compared, index) => ({
    id: compared.run.id,
    label: labelOf(compared),
    values: quantities.map(({ values }) => values[index]),
    color: stepColor(index)
  }));
  return { axes, threads };
}

function labelOf({ run }: ICompared): string {
  return `#${run.number}`;
}

/** The colours that the runs have in the table above. */
function colorOf(
  runs: readonly ICompared[],
  { colors }: IChartStyle
): ReadonlyJSONObject {
  return {
    field: 'run',
    type: 'nominal',
    scale: { domain: runs.map(labelOf), range: [...colors] },
    legend: null
  };
}

function frame({ font, text, grid }: IChartStyle): ReadonlyJSONObject {
  const lines = { gridColor: grid, domainColor: grid, tickColor: grid };
  const words = { labelColor: text, titleColor: text };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    background: 'transparent',
    config: {
      font,
      axis: { ...lines, ...words, titleFontWeight: 500, labelAngle: 0 },
      header: words,
      view: { stroke: 'transparent' }
    }
  };
}

const BAR_WIDTH = 200;
const GAP = 60;
const WIDEST = 760;
