import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { stateIcons } from '../icons';
import type { AnyState } from '../api/states';
import { useTrans } from './context';
import { Shape } from './shape';

/** A state's name for people. */
export function stateLabel(
  trans: TranslationBundle,
  state: AnyState,
  isCached = false
): string {
  if (isCached) {
    return trans.__('Cached');
  }
  switch (state) {
    case 'PENDING':
      return trans.__('Waiting');
    case 'QUEUED':
      return trans.__('Queued');
    case 'RUNNING':
      return trans.__('Running');
    case 'SUCCEEDED':
      return trans.__('Succeeded');
    case 'FAILED':
      return trans.__('Failed');
    case 'SKIPPED':
      return trans.__('Skipped');
    case 'CANCELING':
      return trans.__('Stopping');
    case 'CANCELED':
      return trans.__('Cancelled');
    case 'PAUSED':
      return trans.__('Paused');
  }
}

/** A state as a shape, with its name for those who do not see it. */
export function StateIcon(props: {
  state: AnyState;
  isCached?: boolean;
}): JSX.Element {
  const trans = useTrans();
  const key =
    props.isCached && props.state === 'SUCCEEDED' ? 'CACHED' : props.state;
  const icon = stateIcons[key];
  const label = stateLabel(trans, props.state, key === 'CACHED');
  return (
    <span
      className="jp-mlplat-State"
      data-state={key}
      role="img"
      aria-label={label}
      title={label}
    >
      <Shape icon={icon} />
    </span>
  );
}

/** How many of the steps are done. */
export function Progress(props: {
  done: number;
  total: number;
  state: AnyState;
  label: string;
}): JSX.Element {
  const share = props.total === 0 ? 0 : (100 * props.done) / props.total;
  return (
    <div
      className="jp-mlplat-Progress"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={props.total}
      aria-valuenow={props.done}
      data-state={props.state}
    >
      <div className="jp-mlplat-Progress-bar" style={{ width: `${share}%` }} />
    </div>
  );
}
