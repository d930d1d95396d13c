import * as React from 'react';

import type { PlacedServer } from '../../api/types';
import { useTrans } from '../../components/context';
import { Shape } from '../../components/shape';
import { stateIcons } from '../../icons';
import { lookName, lookOf } from './facts';

/** A state as a shape, with its name for those who do not see it; or, with text, beside its name. */
export function ServerStateMark(props: {
  server: PlacedServer;
  hasText?: boolean;
}): JSX.Element {
  const { server, hasText } = props;
  const trans = useTrans();
  const look = lookOf(server);
  const label = lookName(trans, look);
  const shape = (
    <span
      className="jp-mlplat-State"
      data-state={SHAPES[look]}
      role={hasText ? undefined : 'img'}
      aria-label={hasText ? undefined : label}
      aria-hidden={hasText}
      title={hasText ? undefined : label}
    >
      <Shape icon={stateIcons[SHAPES[look]]} />
    </span>
  );
  return hasText ? (
    <span className="jp-mlplat-ServerState">
      {shape}
      {label}
    </span>
  ) : (
    shape
  );
}

/** The state of a run that means as much: its shape and its colour. */
const SHAPES = {
  starting: 'RUNNING',
  waiting: 'QUEUED',
  running: 'SUCCEEDED',
  stopping: 'CANCELING',
  deleting: 'CANCELING',
  stopped: 'PAUSED',
  failed: 'FAILED'
} as const;
