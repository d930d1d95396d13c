import * as React from 'react';

import { useWidth } from '../components/context';
import { formatNumber } from '../components/format';
import { shareOf, ticks } from './axes';
import type { IAxis } from './axes';
import '../../style/charts.css';

/** One thing at a place. */
export interface IDot {
  id: string;

  /** What is said of it; plain text. */
  label: string;
  x: number | string;
  y: number;

  /** Drawn hollow: it does not count. */
  isFaint?: boolean;
}

/** Things by two numbers, and a line over them that goes by steps. */
export function DotChart(props: {
  label: string;
  xAxis: IAxis;
  yAxis: IAxis;
  dots: readonly IDot[];
  steps?: readonly (readonly [number, number])[];
  height?: number;
  selected?: string | null;
  onSelect?: (id: string) => void;
}): JSX.Element {
  const { dots, xAxis, yAxis, steps = [], height = 150, onSelect } = props;
  const frame = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame, 240);
  const [hovered, setHovered] = React.useState<string | null>(null);
  const yTicks = ticks(yAxis, 4);
  const left = 12 + 6.2 * Math.max(3, ...yTicks.map(([text]) => text.length));
  const [right, top, bottom] = [width - 10, 8, height - 30];
  const x = (at: number) => left + at * (right - left);
  const y = (at: number) => bottom - at * (bottom - top);
  const placed = React.useMemo(
    () =>
      dots.flatMap(dot => {
        const [atX, atY] = [shareOf(xAxis, dot.x), shareOf(yAxis, dot.y)];
        return atX === null || atY === null ? [] : [{ dot, atX, atY }];
      }),
    [dots, xAxis, yAxis]
  );
  // All dots alike are one element: strokes without a length, with round ends.
  const pathOf = (isFaint: boolean) =>
    placed
      .filter(({ dot }) => (dot.isFaint ?? false) === isFaint)
      .map(({ atX, atY }) => `M${x(atX).toFixed(1)} ${y(atY).toFixed(1)}h.01`)
      .join('');
  let line = '';
  steps.forEach(([stepX, stepY], index) => {
    const [atX, atY] = [shareOf(xAxis, stepX), shareOf(yAxis, stepY)];
    if (atX !== null && atY !== null) {
      const [px, py] = [x(atX).toFixed(1), y(atY).toFixed(1)];
      line += index === 0 ? `M${px} ${py}` : `H${px}V${py}`;
    }
  });
  const told = placed.find(
    ({ dot }) => dot.id === (hovered ?? props.selected ?? null)
  );
  return (
    <figure className="jp-mlplat-Dots">
      <div ref={frame}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={props.label}
          data-pointed={hovered !== null && onSelect !== undefined}
          onPointerMove={event => {
            const box = event.currentTarget.getBoundingClientRect();
            const [px, py] = [
              event.clientX - box.left,
              event.clientY - box.top
            ];
            let least = REACH;
            let found: string | null = null;
            for (const { dot, atX, atY } of placed) {
              const distance = Math.hypot(x(atX) - px, y(atY) - py);
              if (distance < least) {
                [found, least] = [dot.id, distance];
              }
            }
            setHovered(found);
          }}
          onPointerLeave={() => setHovered(null)}
          onClick={() => hovered !== null && onSelect?.(hovered)}
        >
          {yTicks.map(([text, at]) => (
            <g key={text} className="jp-mlplat-Dots-tick">
              <line x1={left} x2={right} y1={y(at)} y2={y(at)} />
              <text x={left - 6} y={y(at) + 3} textAnchor="end">
                {text}
              </text>
            </g>
          ))}
          {ticks(xAxis, Math.max(2, Math.floor((right - left) / 70))).map(
            ([text, at]) => (
              <text
                key={`${text} ${at}`}
                className="jp-mlplat-Dots-word"
                x={x(at)}
                y={bottom + 13}
                textAnchor={at < 0.1 ? 'start' : at > 0.9 ? 'end' : 'middle'}
              >
                {text.length > 12 ? `${text.slice(0, 11)}…` : text}
              </text>
            )
          )}
          <text
            className="jp-mlplat-Dots-word"
            x={(left + right) / 2}
            y={height - 4}
            textAnchor="middle"
          >
            {xAxis.label}
          </text>
          <path className="jp-mlplat-Dots-all jp-mod-faint" d={pathOf(true)} />
          {line !== '' && <path className="jp-mlplat-Dots-line" d={line} />}
          <path className="jp-mlplat-Dots-all" d={pathOf(false)} />
          {told && (
            <circle
              className="jp-mlplat-Dots-one"
              cx={x(told.atX)}
              cy={y(told.atY)}
              r={5}
            />
          )}
        </svg>
      </div>
      <figcaption className="jp-mlplat-Parallel-said">
        {told
          ? `${told.dot.label} · ${xAxis.label} ${textOf(told.dot.x)} · ${yAxis.label} ${formatNumber(told.dot.y)}`
          : ''}
      </figcaption>
    </figure>
  );
}

function textOf(value: number | string): string {
  return typeof value === 'number' ? formatNumber(value) : value;
}

const REACH = 14;
