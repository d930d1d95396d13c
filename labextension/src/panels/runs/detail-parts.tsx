import * as React from 'react';

import { isElsewhere } from '../../api/places';
import type { OutputValue, Run } from '../../api/types';
import { countDone, isFinal, isRetryable, stepsOf } from '../../api/states';
import { Button, Code, Fold, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { FailureCard } from '../../components/failure-card';
import {
  formatAge,
  formatBytes,
  formatDuration
} from '../../components/format';
import { Progress, StateIcon, stateLabel } from '../../components/state';
import {
  pauseIcon,
  playIcon,
  retryIcon,
  stopIcon,
  trashIcon
} from '../../icons';
import type { IRunDetailActions } from './detail-actions';
import type { RunDetailModel } from './detail-model';

/** What can be done with a run as a whole. */
export function RunButtons(props: {
  run: Run;
  actions: IRunDetailActions;
}): JSX.Element {
  const { run, actions } = props;
  const trans = useTrans();
  return (
    <>
      {isFinal(run.state) && (
        <IconButton
          icon={trashIcon}
          label={trans.__('Delete this run')}
          onClick={() => actions.delete(run.id)}
        />
      )}
      {isRetryable(run.state) && run.kind !== 'tracked' && (
        <Button
          kind="primary"
          icon={retryIcon}
          label={trans.__('Retry')}
          title={trans.__('Go on; what succeeded is kept')}
          onClick={() => actions.retry(run.id, null)}
        />
      )}
      {run.state === 'RUNNING' && run.kind !== 'tracked' && (
        <IconButton
          icon={pauseIcon}
          label={trans.__('Pause: stop what runs until it is resumed')}
          onClick={() => actions.pause(run.id)}
        />
      )}
      {run.state === 'PAUSED' && (
        <Button
          kind="primary"
          icon={playIcon}
          label={trans.__('Resume')}
          title={trans.__('Go on; what succeeded is kept')}
          onClick={() => actions.resume(run.id)}
        />
      )}
      {!isFinal(run.state) && (
        <Button
          icon={stopIcon}
          label={trans.__('Cancel')}
          isDisabled={run.state === 'CANCELING'}
          onClick={() => actions.cancel(run.id)}
        />
      )}
    </>
  );
}

/** What failed, with the ways on. */
export function RunFailure(props: {
  detail: RunDetailModel;
  run: Run;
  actions: IRunDetailActions;
  isCompact?: boolean;
}): JSX.Element | null {
  const { detail, run, actions } = props;
  const { failure } = detail;
  if (failure === null) {
    return null;
  }
  const { cell, step } = failure;
  const isPython = detail.watch.pipeline?.language === 'python';
  return (
    <FailureCard
      failure={failure}
      isCompact={props.isCompact}
      log={detail.failureLog.map(line => line.text)}
      onRetry={() => actions.retry(run.id, step)}
      onGoToCell={
        cell
          ? () =>
              actions.goToCell(run.notebook, cell, failure.line ?? undefined)
          : undefined
      }
      onRestore={
        step && isPython ? () => actions.restoreState(run.id, step) : undefined
      }
      onShowLog={step ? () => detail.selectStep(step, 'log') : undefined}
    />
  );
}

/** How a run goes, in a few lines. */
export function Summary(props: {
  run: Run;
  nowMs: number;
  actions: IRunDetailActions;
}): JSX.Element {
  const { run } = props;
  const trans = useTrans();
  const done = countDone(run);
  const cached = run.tasks.filter(task => task.cached).length;
  const seconds =
    run.duration_s ??
    (run.started_at ? (props.nowMs - Date.parse(run.started_at)) / 1000 : 0);
  const { notebook } = run;
  return (
    <div className="jp-mlplat-Summary">
      <div className="jp-mlplat-Summary-state" role="status">
        <StateIcon state={run.state} />
        <strong>{stateLabel(trans, run.state)}</strong>
        <span className="jp-mlplat-Summary-facts">
          {[
            formatDuration(Math.max(0, seconds)),
            cached > 0 && trans.__('%1 cached', cached),
            isElsewhere(run) && trans.__('on %1', run.place),
            formatAge(run.created_at, props.nowMs)
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <Progress
        done={done}
        total={stepsOf(run).length}
        state={run.state}
        label={trans.__('Steps done')}
      />
      {notebook && (
        <button
          type="button"
          className="jp-mlplat-Link jp-mlplat-Summary-notebook"
          title={notebook}
          onClick={() => props.actions.openNotebook(notebook)}
        >
          {notebook.split('/').pop()}
        </button>
      )}
    </div>
  );
}

/** What the run was given. */
export function Parameters(props: { run: Run }): JSX.Element | null {
  const trans = useTrans();
  const { parameters, logged_parameters: logged } = props.run;
  const entries = Object.entries({ ...logged, ...parameters });
  return entries.length === 0 ? null : (
    <Fold title={trans.__('Parameters')} count={entries.length}>
      <dl className="jp-mlplat-Facts">
        {entries.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <Code>{JSON.stringify(value)}</Code>
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </Fold>
  );
}

/** What steps have saved for later ones. */
export function Values(props: {
  outputs: readonly OutputValue[];
}): JSX.Element | null {
  const trans = useTrans();
  return props.outputs.length === 0 ? null : (
    <Fold title={trans.__('Values passed on')} count={props.outputs.length}>
      <ul className="jp-mlplat-Values">
        {props.outputs.map(value => (
          <li
            key={`${value.step}/${value.name}`}
            className="jp-mlplat-Value"
            title={value.preview}
          >
            <Code>{value.name}</Code>
            <span className="jp-mlplat-Value-type">{value.type}</span>
            <span className="jp-mlplat-Value-size">
              {formatBytes(value.size_bytes)}
            </span>
            <span className="jp-mlplat-Value-preview">
              {trans.__('from %1', value.step)}
              {value.preview && ` · ${value.preview}`}
            </span>
          </li>
        ))}
      </ul>
    </Fold>
  );
}
