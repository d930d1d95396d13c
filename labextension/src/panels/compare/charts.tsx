import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import { ParallelChart } from '../../charts/parallel';
import { VegaChart } from '../../charts/vega';
import { useTrans } from '../../components/context';
import { stepColorName } from '../../components/palette';
import { barsOf, parallelOf, quantitiesOf, scatterOf } from './chart';
import type { IChartStyle, IQuantity } from './chart';
import { metricRows } from './facts';
import type { ICompared } from './facts';

/** The runs as bars by metric, or as points of one number against another. */
export function CompareCharts(props: {
  runs: readonly ICompared[];
  rendermime: IRenderMimeRegistry;
}): JSX.Element | null {
  const { runs, rendermime } = props;
  const trans = useTrans();
  const [kind, setKind] = React.useState<Kind>('bars');
  const [chosen, setChosen] = React.useState({ x: '', y: '' });
  const quantities = quantitiesOf(runs);
  const nameOf = (quantity: IQuantity) =>
    quantity.kind === 'duration'
      ? trans.__('Duration in seconds')
      : quantity.name;
  const hasBars = metricRows(runs).length > 0;
  const hasPoints = quantities.length > 1;
  if (!hasBars && !hasPoints) {
    return null;
  }
  const find = (id: string) => quantities.find(it => it.id === id);
  const y =
    find(chosen.y) ??
    quantities.find(it => it.kind === 'metric') ??
    quantities[1];
  const x = find(chosen.x) ?? quantities.find(it => it !== y) ?? quantities[0];
  const shown: Kind =
    !hasPoints || (kind === 'bars' && hasBars)
      ? 'bars'
      : kind === 'bars'
        ? 'points'
        : kind;
  const isPoints = shown === 'points';
  const select = (axis: 'x' | 'y', label: string, value: IQuantity) => (
    <label className="jp-mlplat-Comparison-axis">
      {label}
      <select
        className="jp-mlplat-Select"
        value={value.id}
        onChange={event => setChosen({ ...chosen, [axis]: event.target.value })}
      >
        {quantities.map(quantity => (
          <option key={quantity.id} value={quantity.id}>
            {nameOf(quantity)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <section
      className="jp-mlplat-Comparison-section"
      data-testid="mlplat-compare-charts"
    >
      <header className="jp-mlplat-Comparison-heading">
        <h2>{trans.__('Charts')}</h2>
        {hasPoints && (
          <select
            className="jp-mlplat-Select"
            aria-label={trans.__('Kind of chart')}
            value={shown}
            onChange={event => setKind(event.target.value as Kind)}
          >
            {hasBars && (
              <option value="bars">{trans.__('Bars of each metric')}</option>
            )}
            <option value="points">{trans.__('One against another')}</option>
            <option value="parallel">{trans.__('All side by side')}</option>
          </select>
        )}
        {isPoints && (
          <>
            {select('x', trans.__('Across'), x)}
            {select('y', trans.__('Up'), y)}
          </>
        )}
      </header>
      {shown === 'parallel' ? (
        <ParallelChart
          label={trans.__('What differs between the runs, a line for each')}
          {...parallelOf(runs, quantities, nameOf)}
        />
      ) : (
        <VegaChart
          label={
            isPoints
              ? trans.__('%1 of each run against its %2', nameOf(y), nameOf(x))
              : trans.__('The last value of each metric, by run')
          }
          rendermime={rendermime}
          spec={(width, css) =>
            isPoints
              ? scatterOf(
                  runs,
                  [x, y],
                  [nameOf(x), nameOf(y)],
                  styleOf(width, css, runs.length)
                )
              : barsOf(runs, styleOf(width, css, runs.length))
          }
        />
      )}
    </section>
  );
}

/** How the numbers are shown. */
type Kind = 'bars' | 'points' | 'parallel';

function styleOf(
  width: number,
  css: CSSStyleDeclaration,
  count: number
): IChartStyle {
  const value = (name: string) => css.getPropertyValue(name).trim();
  return {
    width,
    font: css.fontFamily,
    text: css.color,
    grid: value('--jp-border-color3'),
    colors: Array.from({ length: count }, (_, index) =>
      value(stepColorName(index))
    )
  };
}
