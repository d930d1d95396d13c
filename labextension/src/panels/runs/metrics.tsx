import * as React from 'react';

import type { Metric } from '../../api/types';
import { LineChart, LineControls, PLAIN } from '../../charts';
import type { ILineOptions } from '../../charts';
import { IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatNumber } from '../../components/format';
import { stepStyle } from '../../components/palette';
import { Sparkline } from '../../components/sparkline';
import { closeIcon } from '../../icons';
import { linesOf, seriesOf, thin } from './metric-series';
import type { MetricAxis } from './metric-series';

/** The latest value of each metric, with its course; a click draws it large. */
export function MetricTable(props: {
  metrics: readonly Metric[];
  charted: readonly string[];
  onChart: (metric: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const series = React.useMemo(() => seriesOf(props.metrics), [props.metrics]);
  return (
    <ul className="jp-mlplat-Metrics" data-testid="mlplat-metrics">
      {series.map(({ id, steps, points, last }, index) => (
        <li key={id} style={stepStyle(index)}>
          <button
            type="button"
            className="jp-mlplat-Metric"
            aria-pressed={props.charted.includes(id)}
            title={trans.__('Draw %1, logged by step %2', id, steps.join(', '))}
            onClick={() => props.onChart(id)}
          >
            <span className="jp-mlplat-Metric-name">{id}</span>
            <Course values={points.map(point => point.value)} name={id} />
            <span className="jp-mlplat-Metric-value" title={String(last)}>
              {formatNumber(last)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The course of a metric between its least and its greatest value. */
function Course(props: {
  values: readonly number[];
  name: string;
}): JSX.Element | null {
  const trans = useTrans();
  const values = thin(props.values, SPARKLINE_POINTS);
  return values.length < 2 ? null : (
    <Sparkline
      values={values}
      label={trans.__('Course of %1', props.name)}
      min={Math.min(...values)}
      max={Math.max(...values)}
    />
  );
}

/** As many as there are pixels. */
const SPARKLINE_POINTS = 72;

/** Metrics of a run as lines, live. */
export function MetricChart(props: {
  metrics: readonly Metric[];
  charted: readonly string[];
  onChart: (metrics: readonly string[]) => void;
}): JSX.Element {
  const { charted, onChart } = props;
  const trans = useTrans();
  const [options, setOptions] = React.useState<ILineOptions>(PLAIN);
  const [axis, setAxis] = React.useState<MetricAxis>('position');
  const all = React.useMemo(() => seriesOf(props.metrics), [props.metrics]);
  const lines = React.useMemo(
    () => linesOf(all, charted, axis),
    [all, charted, axis]
  );
  return (
    <section
      className="jp-mlplat-MetricChart"
      aria-label={trans.__('Metrics as lines')}
      data-testid="mlplat-metric-chart"
    >
      <div className="jp-mlplat-Pane-head">
        <h3 className="jp-mlplat-Pane-title">{trans.__('Metrics')}</h3>
        <LineControls options={options} onChange={setOptions} />
        <select
          className="jp-mlplat-Select jp-mlplat-MetricChart-axis"
          aria-label={trans.__('Over')}
          value={axis}
          onChange={event => setAxis(event.target.value as MetricAxis)}
        >
          <option value="position">{trans.__('Over steps')}</option>
          <option value="time">{trans.__('Over time')}</option>
        </select>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close the chart')}
          onClick={() => onChart([])}
        />
      </div>
      <LineChart
        label={trans.__('Lines of %1', charted.join(', '))}
        series={lines}
        height={320}
        isTime={axis === 'time'}
        xLabel={axis === 'position' ? trans.__('step') : undefined}
        options={options}
      />
      <div
        className="jp-mlplat-MetricChart-choice"
        role="group"
        aria-label={trans.__('Metrics to draw')}
      >
        {all.map(({ id }) => (
          <label key={id} className="jp-mlplat-Check">
            <input
              type="checkbox"
              checked={charted.includes(id)}
              onChange={event =>
                onChart(
                  event.target.checked
                    ? [...charted, id]
                    : charted.filter(each => each !== id)
                )
              }
            />
            {id}
          </label>
        ))}
      </div>
    </section>
  );
}
