import * as React from 'react';

/** A small line without axes; its label says what it shows, with the last value. */
export function Sparkline(props: {
  values: readonly (number | null)[];
  label: string;
  /** The value at the top; that of the highest point by default. */
  max?: number;
  /** The value at the bottom; 0 by default. */
  min?: number;
}): JSX.Element {
  const { values, min = 0 } = props;
  const top =
    props.max ?? (Math.max(...values.map(value => value ?? 0), 0) || 1);
  const step = WIDTH / Math.max(1, values.length - 1);
  const y = (value: number) =>
    (HEIGHT - 1 - ((value - min) / (top - min || 1)) * (HEIGHT - 2)).toFixed(1);
  let line = '';
  let isDrawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const x = (i * step).toFixed(1);
    // A point between two gaps is a short dash, or nobody would see it.
    line += isDrawing ? `L${x} ${y(value)}` : `M${x} ${y(value)}h0.1`;
    isDrawing = true;
  });
  return (
    <svg
      className="jp-mlplat-Sparkline"
      role="img"
      aria-label={props.label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      <path d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

const WIDTH = 100;
const HEIGHT = 20;
