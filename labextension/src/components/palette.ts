import type * as React from 'react';

/** How many step colours `style/palette.css` defines. */
const COLORS = 10;

/** The name of the n-th step's colour in the style sheet, for those who need its value. */
export function stepColorName(index: number): string {
  return `--jp-mlplat-step-${index % COLORS}`;
}

/** The colour of the n-th step, the same in the graph and on the cells. */
export function stepColor(index: number): string {
  return `var(${stepColorName(index)})`;
}

/** The style that hands a step's colour down to whatever draws it. */
export function stepStyle(index: number): React.CSSProperties {
  return {
    '--jp-mlplat-step-color': stepColor(index)
  } as React.CSSProperties;
}
