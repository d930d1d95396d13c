import * as React from 'react';

import { useTrans } from '../components/context';
import type { IFlowProps } from './flow';

export type { IFlowEdge, IFlowNode, IFlowProps } from './flow';

const Flow = React.lazy(() => import('./flow'));

/** A graph that can be moved, zoomed and walked by keyboard. Its code is loaded when first needed. */
export function FlowGraph(props: IFlowProps): JSX.Element {
  const trans = useTrans();
  return (
    <React.Suspense
      fallback={
        <p className="jp-mlplat-Hint">{trans.__('Drawing the graph…')}</p>
      }
    >
      <Flow {...props} />
    </React.Suspense>
  );
}
