import * as React from 'react';

import { useTrans } from '../components/context';
import type { ILineProps } from './line';
import type { ILineOptions } from './series';
import '../../style/charts.css';

export { PLAIN } from './series';
export type { ILineOptions, ILineSeries } from './series';
export type { ILineProps } from './line';

const Line = React.lazy(() => import('./line'));

/** Lines over a common axis, in the theme's colours. The code is loaded when first needed. */
export function LineChart(props: ILineProps): JSX.Element {
  const trans = useTrans();
  return (
    <React.Suspense
      fallback={
        <p className="jp-mlplat-Hint" style={{ height: props.height ?? 180 }}>
          {trans.__('Drawing the chart…')}
        </p>
      }
    >
      <Line {...props} />
    </React.Suspense>
  );
}

/** How charts are read: the axis and the smoothing, for one chart or for several. */
export function LineControls(props: {
  options: ILineOptions;
  onChange: (options: ILineOptions) => void;
}): JSX.Element {
  const { options, onChange } = props;
  const trans = useTrans();
  const id = React.useId();
  return (
    <div
      className="jp-mlplat-ChartControls"
      role="group"
      aria-label={trans.__('Charts')}
    >
      <label className="jp-mlplat-Check">
        <input
          type="checkbox"
          checked={options.isLog}
          onChange={event =>
            onChange({ ...options, isLog: event.target.checked })
          }
        />
        {trans.__('Logarithmic')}
      </label>
      <label className="jp-mlplat-ChartControls-range" htmlFor={id}>
        {trans.__('Smoothing')}
        <input
          id={id}
          type="range"
          min={0}
          max={0.95}
          step={0.05}
          value={options.smoothing}
          onChange={event =>
            onChange({ ...options, smoothing: Number(event.target.value) })
          }
        />
        <span className="jp-mlplat-ChartControls-number">
          {options.smoothing.toFixed(2)}
        </span>
      </label>
    </div>
  );
}
