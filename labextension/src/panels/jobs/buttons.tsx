import * as React from 'react';

import { isFinal, isRetryable } from '../../api/states';
import type { AnyState } from '../../api/states';
import type { Run } from '../../api/types';
import { Button, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import {
  linkIcon,
  pauseIcon,
  playIcon,
  retryIcon,
  runsIcon,
  stopIcon
} from '../../icons';
import type { IJobsActions } from './actions';

/** What can be done with a job as it is. */
export function JobButtons(props: {
  run: Run;
  actions: IJobsActions;
  retryLabel?: string;
}): JSX.Element {
  const { run, actions } = props;
  const trans = useTrans();
  const state = run.state as AnyState;
  return (
    <div className="jp-mlplat-JobButtons">
      {(state === 'RUNNING' || state === 'PENDING') && (
        <Button
          icon={pauseIcon}
          label={trans.__('Pause')}
          title={trans.__(
            'Stop its processes once they have kept a checkpoint; Resume goes on from there'
          )}
          onClick={() => actions.pause(run.id)}
        />
      )}
      {state === 'PAUSED' && (
        <Button
          kind="primary"
          icon={playIcon}
          label={trans.__('Resume')}
          onClick={() => actions.resume(run.id)}
        />
      )}
      {isRetryable(run.state) && (
        <Button
          kind="primary"
          icon={retryIcon}
          label={props.retryLabel ?? trans.__('Retry')}
          title={trans.__('Go on from its last checkpoint')}
          onClick={() => actions.retry(run.id)}
        />
      )}
      {!isFinal(state) && (
        <Button
          icon={stopIcon}
          label={trans.__('Stop')}
          isDisabled={state === 'CANCELING'}
          onClick={() => actions.stop(run.id)}
        />
      )}
      <Button
        icon={runsIcon}
        label={trans.__('Run')}
        title={trans.__('Its outputs, values and log, among all runs')}
        onClick={() => actions.openRun(run.id)}
      />
      <IconButton
        icon={linkIcon}
        label={trans.__('Copy a link to it')}
        onClick={() => actions.copyLink(run.id)}
      />
    </div>
  );
}
