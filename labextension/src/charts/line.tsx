import * as React from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { useTrans } from '../components/context';
import { formatNumber } from '../components/format';
import { PLAIN, align, smooth } from './series';
import type { Columns, ILineOptions, ILineSeries } from './series';

export interface ILineProps {
  /** What the chart shows, read aloud. */
  label: string;

  series: readonly ILineSeries[];

  /** Height of the drawing; it takes the width it finds. */
  height?: number;

  /** Said below the x axis, such as "step". */
  xLabel?: string;

  /** Whether x is a time, in seconds since 1970. */
  isTime?: boolean;

  options?: ILineOptions;

  /** Charts with the same key show their cursors at the same x. */
  syncKey?: string;

  /** Leave out the legend, where something else on the page names the lines. */
  hasNoLegend?: boolean;
}

/** Lines over a common axis. Drag to zoom in, double-click to see all. Loaded late: see `index.tsx`. */
export default function LineChart(props: ILineProps): JSX.Element {
  const { series, options = PLAIN, height = 180 } = props;
  const trans = useTrans();
  const host = React.useRef<HTMLDivElement>(null);
  const plot = React.useRef<uPlot | null>(null);
  const theme = useTheme();
  const [cursor, setCursor] = React.useState<number | null>(null);
  const { isLog, smoothing } = options;
  const columns = React.useMemo(() => align(series, isLog), [series, isLog]);
  const drawn = React.useMemo(
    () => withSmoothed(columns, smoothing),
    [columns, smoothing]
  );
  const data = React.useRef(drawn);
  data.current = drawn;
  // What the drawing is made of; numbers alone are only handed over.
  const form = JSON.stringify([
    theme,
    isLog,
    smoothing > 0,
    props.isTime ?? false,
    props.syncKey ?? '',
    props.xLabel ?? '',
    series.map(line => [line.id, line.color])
  ]);

  React.useLayoutEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    const drawing = new uPlot(
      Private.describe(element, props, height, smoothing > 0, setCursor),
      data.current,
      element
    );
    plot.current = drawing;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) {
        drawing.setSize({ width: element.clientWidth, height });
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current = null;
      drawing.destroy();
    };
    // `form` stands for all that the drawing is made of.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [form, height]);

  React.useEffect(() => plot.current?.setData(drawn), [drawn]);

  const [xs, ...lines] = columns;
  return (
    <figure className="jp-mlplat-Chart">
      <div
        ref={host}
        className="jp-mlplat-Chart-plot"
        role="img"
        aria-label={props.label}
        style={{ height }}
      />
      {!props.hasNoLegend && (
        <figcaption className="jp-mlplat-Chart-legend">
          {series.map((line, index) => {
            const value = valueAt(lines[index] ?? [], cursor);
            return (
              <span key={line.id} className="jp-mlplat-Chart-entry">
                <svg width="18" height="8" aria-hidden="true">
                  <line
                    x1="0"
                    x2="18"
                    y1="4"
                    y2="4"
                    strokeWidth="2"
                    strokeDasharray={Private.dashOf(index).join(' ')}
                    style={{ stroke: line.color }}
                  />
                </svg>
                <span className="jp-mlplat-Chart-name">{line.label}</span>
                <span className="jp-mlplat-Chart-value">
                  {value === null ? '–' : formatNumber(value)}
                </span>
              </span>
            );
          })}
          <span className="jp-mlplat-Chart-entry jp-mlplat-Chart-at">
            {cursor === null || props.isTime
              ? trans.__('last')
              : trans.__('at %1', formatNumber(xs[cursor] ?? 0))}
          </span>
        </figcaption>
      )}
    </figure>
  );
}

/** As logged, faint, then smoothed; as logged alone where nothing is smoothed. */
function withSmoothed(columns: Columns, weight: number): uPlot.AlignedData {
  const [xs, ...lines] = columns;
  return weight > 0
    ? [xs, ...lines, ...lines.map(line => smooth(line, weight))]
    : columns;
}

/** The value under the cursor; without one, the last. */
function valueAt(
  line: readonly (number | null)[],
  cursor: number | null
): number | null {
  return cursor === null
    ? (line.filter(value => value !== null).at(-1) ?? null)
    : (line[cursor] ?? null);
}

/** The name of JupyterLab's theme: a canvas must be told of another one. */
function useTheme(): string {
  const nameOf = () => document.body.dataset.jpThemeName ?? '';
  const [theme, setTheme] = React.useState(nameOf);
  React.useEffect(() => {
    const observer = new MutationObserver(() => setTheme(nameOf()));
    observer.observe(document.body, {
      attributeFilter: ['data-jp-theme-name']
    });
    return () => observer.disconnect();
  }, []);
  return theme;
}

namespace Private {
  /** Lines differ by their dashes as well as by their colours. */
  export function dashOf(index: number): number[] {
    return [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]][index % 6];
  }

  export function describe(
    element: HTMLElement,
    props: ILineProps,
    height: number,
    isSmoothed: boolean,
    onCursor: (index: number | null) => void
  ): uPlot.Options {
    const style = getComputedStyle(element);
    const colorOf = (color: string) =>
      color.replace(/var\((--[\w-]+)\)/g, (_, name: string) =>
        style.getPropertyValue(name).trim()
      );
    const text = colorOf('var(--jp-ui-font-color2)');
    const font = `11px ${style.fontFamily}`;
    const axis: uPlot.Axis = {
      stroke: text,
      font,
      labelFont: font,
      labelSize: 18,
      grid: { stroke: colorOf('var(--jp-border-color3)'), width: 1 },
      ticks: { stroke: colorOf('var(--jp-border-color2)'), width: 1, size: 4 }
    };
    const lines = props.series.map((line, index): uPlot.Series => ({
      stroke: colorOf(line.color),
      width: 1.75,
      dash: dashOf(index),
      spanGaps: true,
      points: { size: 4 }
    }));
    const faint = lines.map(line => ({
      ...line,
      alpha: 0.3,
      width: 1,
      dash: [],
      points: { show: false }
    }));
    return {
      width: Math.max(1, element.clientWidth),
      height,
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false },
        points: { size: 6 },
        sync: props.syncKey ? { key: props.syncKey } : undefined
      },
      scales: {
        x: { time: props.isTime ?? false, range: spread },
        y: { distr: props.options?.isLog ? 3 : 1 }
      },
      axes: [
        { ...axis, label: props.xLabel, size: 28 },
        {
          ...axis,
          values: (_, ticks) =>
            ticks.map(tick => (tick === null ? '' : formatNumber(tick))),
          size: (_, labels) =>
            14 + 6.5 * Math.max(3, ...(labels ?? []).map(each => each.length))
        }
      ],
      series: [{}, ...(isSmoothed ? [...faint, ...lines] : lines)],
      hooks: { setCursor: [drawing => onCursor(drawing.cursor.idx ?? null)] }
    };
  }

  /** One point alone stands in the middle. */
  function spread(_: uPlot, low: number, high: number): uPlot.Range.MinMax {
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  }
}
