import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { EndpointState, RevisionState } from '../../api/types';
import { useTrans } from '../../components/context';
import { stateIcons, warningIcon } from '../../icons';

/** States of endpoints and revisions: they are drawn alike. */
export type ServingState = EndpointState | RevisionState;

/** A state's name for people. */
export function servingLabel(
  trans: TranslationBundle,
  state: ServingState
): string {
  switch (state) {
    case 'PENDING':
      return trans.__('Starting');
    case 'LOADING':
      return trans.__('Loading');
    case 'READY':
      return trans.__('Ready');
    case 'DEGRADED':
      return trans.__('Degraded');
    case 'FAILED':
      return trans.__('Failed');
    case 'STOPPED':
      return trans.__('Stopped');
  }
}

/** A state as a shape, with its name for those who do not see it; or, with text, beside its name. */
export function ServingStateMark(props: {
  state: ServingState;
  hasText?: boolean;
}): JSX.Element {
  const { state, hasText } = props;
  const trans = useTrans();
  const label = servingLabel(trans, state);
  const [icon, tone] = SHAPES[state];
  const shape = (
    <span
      className="jp-mlplat-State"
      data-state={tone}
      role={hasText ? undefined : 'img'}
      aria-label={hasText ? undefined : label}
      aria-hidden={hasText}
      title={hasText ? undefined : label}
    >
      <icon.react tag="span" />
    </span>
  );
  return hasText ? (
    <span className="jp-mlplat-ServingState">
      {shape}
      {label}
    </span>
  ) : (
    shape
  );
}

/** Shape, and the colour of the state of a run that means as much. */
const SHAPES = {
  PENDING: [stateIcons.RUNNING, 'RUNNING'],
  LOADING: [stateIcons.RUNNING, 'RUNNING'],
  READY: [stateIcons.SUCCEEDED, 'SUCCEEDED'],
  DEGRADED: [warningIcon, 'QUEUED'],
  FAILED: [stateIcons.FAILED, 'FAILED'],
  STOPPED: [stateIcons.SKIPPED, 'SKIPPED']
} as const;
