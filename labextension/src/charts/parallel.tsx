import * as React from 'react';

import { useTrans, useWidth } from '../components/context';
import { formatNumber } from '../components/format';
import { shareOf } from './axes';
import type { IAxis, IThread } from './axes';
import '../../style/charts.css';

/**
 * Many things by many numbers: an axis for each number, a line for each thing. Drag along an axis to let
 * the others fade; by keyboard the arrows do it. Press on a line to open what it stands for.
 */
export function ParallelChart(props: {
  label: string;
  axes: readonly IAxis[];
  threads: readonly IThread[];
  height?: number;
  selected?: string | null;
  onSelect?: (id: string) => void;
}): JSX.Element {
  const { axes, threads, height = 240, selected = null, onSelect } = props;
  const trans = useTrans();
  const frame = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame, 320);
  const [hovered, setHovered] = React.useState<string | null>(null);
  const [bands, setBands] = React.useState<Readonly<Record<string, Band>>>({});
  const drag = React.useRef<{ axis: string; from: number } | null>(null);
  const left = 26;
  const step = axes.length > 1 ? (width - 2 * left) / (axes.length - 1) : 0;
  const xOf = (index: number) =>
    axes.length > 1 ? left + index * step : width / 2;
  const [top, bottom] = [46, height - 20];
  const yOf = (share: number) => bottom - share * (bottom - top);

  const places = React.useMemo(
    () =>
      new Map(
        threads.map(({ id, values }) => [
          id,
          values.map((value, index) => shareOf(axes[index], value))
        ])
      ),
    [axes, threads]
  );
  const isIn = (thread: IThread) =>
    axes.every((axis, index) => {
      const band = bands[axis.id];
      const share = places.get(thread.id)?.[index] ?? null;
      return !band || (share !== null && share >= band[0] && share <= band[1]);
    });
  const inside = threads.filter(isIn);
  const pathOf = (thread: IThread) => {
    let line = '';
    let isDrawing = false;
    (places.get(thread.id) ?? []).forEach((share, index) => {
      if (share === null) {
        isDrawing = false;
      } else {
        line += `${isDrawing ? 'L' : 'M'}${xOf(index).toFixed(1)} ${yOf(share).toFixed(1)}`;
        isDrawing = true;
      }
    });
    return line;
  };
  // All lines of one strength are one element: a thousand would be felt with every new one.
  const layers = React.useMemo(() => {
    const drawn = new Map<string, { line: string; thread: IThread }>();
    const isNarrowed = Object.keys(bands).length > 0;
    for (const thread of threads) {
      const isFaded = isNarrowed && !isIn(thread);
      const strength = isFaded
        ? 'faded'
        : thread.score === undefined
          ? `color ${thread.color}`
          : `score ${Math.round(thread.score * (SHADES - 1))}`;
      const layer = drawn.get(strength);
      drawn.set(strength, {
        line: (layer?.line ?? '') + pathOf(thread),
        thread
      });
    }
    return [...drawn].sort(([a], [b]) =>
      a === 'faded' ? -1 : b === 'faded' ? 1 : a.localeCompare(b)
    );
    // The paths follow from these alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [places, bands, width, height]);

  const nearest = (event: React.PointerEvent): IThread | null => {
    const [x, y] = pointOf(event);
    const at = step === 0 ? 0 : (x - left) / step;
    const first = Math.max(0, Math.min(axes.length - 2, Math.floor(at)));
    let found: IThread | null = null;
    let least = REACH;
    for (const thread of inside) {
      const shares = places.get(thread.id) ?? [];
      const from = shares[first] ?? null;
      const to = shares[first + 1] ?? from;
      if (from !== null && to !== null) {
        const distance = Math.abs(y - yOf(from + (to - from) * (at - first)));
        if (distance < least) {
          [found, least] = [thread, distance];
        }
      }
    }
    return found;
  };
  const narrow = (axis: string, band: Band | null) =>
    setBands(before => {
      const others = { ...before };
      delete others[axis];
      return band === null ? others : { ...others, [axis]: band };
    });
  const emphasised = threads.filter(
    ({ id }) => id === hovered || id === selected
  );
  const told = threads.find(({ id }) => id === (hovered ?? selected));
  const room = Math.max(4, Math.floor(step / 7));

  return (
    <figure className="jp-mlplat-Parallel" data-testid="mlplat-parallel">
      <div ref={frame}>
        <svg
          width={width}
          height={height}
          role="group"
          aria-label={props.label}
          data-pointed={hovered !== null}
          onPointerMove={event => {
            if (drag.current) {
              const { axis, from } = drag.current;
              const to = share(pointOf(event)[1], top, bottom);
              narrow(axis, [Math.min(from, to), Math.max(from, to)]);
            } else {
              setHovered(nearest(event)?.id ?? null);
            }
          }}
          onPointerLeave={() => setHovered(null)}
          onPointerUp={() => {
            drag.current = null;
          }}
          onClick={() => hovered !== null && onSelect?.(hovered)}
        >
          <g aria-hidden="true">
            {layers.map(([key, { line, thread }]) => (
              <path
                key={key}
                d={line}
                className="jp-mlplat-Parallel-lines"
                data-faded={key === 'faded'}
                style={
                  key === 'faded' ? undefined : strokeOf(thread, threads.length)
                }
              />
            ))}
            {emphasised.map(thread => (
              <path
                key={thread.id}
                d={pathOf(thread)}
                className="jp-mlplat-Parallel-one"
              />
            ))}
          </g>
          {axes.map((axis, index) => {
            const band = bands[axis.id];
            const x = xOf(index);
            const label = cut(axis.label, room + (index % 2 ? 0 : 2));
            return (
              <g key={axis.id} className="jp-mlplat-Parallel-axis">
                <line x1={x} x2={x} y1={top} y2={bottom} />
                <text
                  x={x}
                  y={index % 2 ? 26 : 12}
                  textAnchor={anchorOf(index, axes.length)}
                  className="jp-mlplat-Parallel-name"
                >
                  {label}
                  <title>{axis.label}</title>
                </text>
                {ticksOf(axis).map(([text, at]) => (
                  <text
                    key={`${text} ${at}`}
                    x={x}
                    y={
                      axis.kind === 'word'
                        ? yOf(at) + 3
                        : at === 0
                          ? bottom + 13
                          : top - 5
                    }
                    dx={
                      axis.kind === 'word'
                        ? index === axes.length - 1
                          ? -5
                          : 5
                        : 0
                    }
                    textAnchor={
                      axis.kind === 'word'
                        ? index === axes.length - 1
                          ? 'end'
                          : 'start'
                        : anchorOf(index, axes.length)
                    }
                    className="jp-mlplat-Parallel-tick"
                    data-word={axis.kind === 'word'}
                  >
                    {cut(text, room)}
                  </text>
                ))}
                {band && (
                  <rect
                    x={x - 6}
                    width={12}
                    y={yOf(band[1])}
                    height={Math.max(2, yOf(band[0]) - yOf(band[1]))}
                    className="jp-mlplat-Parallel-band"
                  />
                )}
                <rect
                  x={x - 9}
                  width={18}
                  y={top}
                  height={bottom - top}
                  className="jp-mlplat-Parallel-handle"
                  role="slider"
                  tabIndex={0}
                  aria-orientation="vertical"
                  aria-label={trans.__('Narrow down by %1', axis.label)}
                  aria-valuemin={0}
                  aria-valuemax={100}
                  aria-valuenow={
                    band ? Math.round(50 * (band[0] + band[1])) : 50
                  }
                  aria-valuetext={
                    band
                      ? trans.__(
                          '%1 to %2',
                          valueAt(axis, band[0]),
                          valueAt(axis, band[1])
                        )
                      : trans.__('all')
                  }
                  onPointerDown={event => {
                    const from = share(pointOf(event)[1], top, bottom);
                    drag.current = { axis: axis.id, from };
                    narrow(axis.id, null);
                  }}
                  onKeyDown={event => {
                    const next = moved(band ?? null, event.key);
                    if (next !== undefined) {
                      event.preventDefault();
                      event.stopPropagation();
                      narrow(axis.id, next);
                    }
                  }}
                />
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="jp-mlplat-Parallel-said">
        <span>
          {told
            ? [
                told.label,
                ...axes.map(
                  (axis, index) => `${axis.label} ${textOf(told.values[index])}`
                )
              ].join(' · ')
            : Object.keys(bands).length > 0
              ? trans.__('%1 of %2', inside.length, threads.length)
              : trans.__('Drag along an axis to narrow down.')}
        </span>
        {Object.keys(bands).length > 0 && (
          <button
            type="button"
            className="jp-mlplat-Link"
            onClick={() => setBands({})}
          >
            {trans.__('Show all')}
          </button>
        )}
      </figcaption>
    </figure>
  );
}

/** A stretch of an axis, from 0 at its foot to 1 at its top. */
type Band = readonly [number, number];

/** What an axis says at a share of its height. */
function valueAt(axis: IAxis, at: number): string {
  if (axis.kind === 'word') {
    return axis.words[Math.round(at * (axis.words.length - 1))] ?? '';
  }
  const { low, high, isLog } = axis;
  return formatNumber(
    isLog ? low * (high / low) ** at : low + at * (high - low)
  );
}

function ticksOf(axis: IAxis): [string, number][] {
  return axis.kind === 'word'
    ? axis.words.map((word): [string, number] => [
        word,
        shareOf(axis, word) ?? 0
      ])
    : [
        [formatNumber(axis.low), 0],
        [formatNumber(axis.high), 1]
      ];
}

/** What a key makes of a band; undefined: it is not one that does. */
function moved(band: Band | null, key: string): Band | null | undefined {
  const by = { ArrowUp: 0.05, ArrowDown: -0.05 }[key];
  if (by !== undefined) {
    const [low, high] = band ?? (by > 0 ? [0.7, 0.95] : [0.05, 0.3]);
    const move = Math.max(-low, Math.min(1 - high, by));
    return [low + move, high + move];
  }
  switch (key) {
    case 'PageUp':
      return band && [Math.max(0, band[0] - 0.05), Math.min(1, band[1] + 0.05)];
    case 'PageDown':
      return band && band[1] - band[0] > 0.15
        ? [band[0] + 0.05, band[1] - 0.05]
        : band;
    case 'Delete':
    case 'Backspace':
      return null;
    default:
      return key === 'Escape' && band ? null : undefined;
  }
}

function share(y: number, top: number, bottom: number): number {
  return Math.max(0, Math.min(1, (bottom - y) / (bottom - top)));
}

function pointOf(event: React.PointerEvent): [number, number] {
  const svg = (event.currentTarget as Element).closest('svg') as Element;
  const box = svg.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function strokeOf(thread: IThread, count: number): React.CSSProperties {
  if (thread.score === undefined) {
    return { stroke: thread.color };
  }
  const shade = Math.round(thread.score * (SHADES - 1)) / (SHADES - 1);
  return {
    stroke: `color-mix(in srgb, var(--jp-brand-color1) ${Math.round(100 * shade)}%, var(--jp-border-color1))`,
    // Where there are many, only the best stand out.
    strokeOpacity: count > MANY ? 0.08 + 0.6 * shade ** 3 : 0.35 + 0.5 * shade,
    strokeWidth: count > MANY ? 0.8 : undefined
  };
}

function anchorOf(index: number, count: number): 'start' | 'middle' | 'end' {
  return count > 1 && index === 0
    ? 'start'
    : count > 1 && index === count - 1
      ? 'end'
      : 'middle';
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(1, room - 1))}…` : text;
}

function textOf(value: number | string | null): string {
  return typeof value === 'number' ? formatNumber(value) : (value ?? '–');
}

const SHADES = 10;
const MANY = 150;
const REACH = 12;
