import * as React from 'react';

import type { Failure } from '../api/types';
import { jumpIcon, retryIcon, stateIcons } from '../icons';
import { stripAnsi } from './ansi';
import { AnsiText } from './ansi-text';
import { Button } from './basics';
import { useTrans } from './context';

/** What failed and why, on top of everything else, with the two ways on. */
export function FailureCard(props: {
  failure: Failure;
  isMended?: boolean;
  isBusy?: boolean;
  onGoToCell?: () => void;
  onRetry?: () => void;
}): JSX.Element {
  const { failure } = props;
  const trans = useTrans();
  const title = failure.step
    ? trans.__('Step %1 failed', failure.step)
    : trans.__('The run failed');
  const error = failure.error_name
    ? [failure.error_name, failure.error_value].filter(Boolean).join(': ')
    : failure.message;
  return (
    <section
      className="jp-mlplat-Failure"
      aria-label={title}
      data-mended={props.isMended}
      data-testid="mlplat-failure"
    >
      <div className="jp-mlplat-Failure-head">
        <span className="jp-mlplat-State" data-state="FAILED">
          <stateIcons.FAILED.react tag="span" />
        </span>
        <h3 className="jp-mlplat-Failure-title">{title}</h3>
      </div>
      <p
        className="jp-mlplat-Failure-error"
        data-code={failure.error_name !== null}
      >
        {error}
      </p>
      {failure.traceback.length > 0 && (
        <pre className="jp-mlplat-Failure-traceback" tabIndex={0}>
          <AnsiText text={lastLines(failure.traceback)} />
        </pre>
      )}
      {props.isMended && (
        <p className="jp-mlplat-Failure-hint">
          {trans.__(
            'The cell has changed since. Retrying keeps what succeeded before it.'
          )}
        </p>
      )}
      <div className="jp-mlplat-Failure-actions">
        {props.onGoToCell && (
          <Button
            label={trans.__('Go to cell')}
            icon={jumpIcon}
            onClick={props.onGoToCell}
          />
        )}
        {props.onRetry && (
          <Button
            label={trans.__('Retry from here')}
            icon={retryIcon}
            kind={props.isMended ? 'primary' : 'plain'}
            isBusy={props.isBusy}
            onClick={props.onRetry}
          />
        )}
      </div>
    </section>
  );
}

/** The end of a traceback is what one reads; the log has all of it. Ruled lines are left out. */
function lastLines(traceback: readonly string[]): string {
  const lines = traceback.join('\n').split('\n');
  return lines
    .filter(line => !/^-{3,}$/.test(stripAnsi(line).trim()))
    .slice(-SHOWN_LINES)
    .join('\n');
}

const SHOWN_LINES = 12;
