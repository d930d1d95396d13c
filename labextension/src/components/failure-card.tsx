import * as React from 'react';

import type { Failure } from '../api/types';
import { jumpIcon, kernelIcon, retryIcon, stateIcons } from '../icons';
import { stripAnsi } from './ansi';
import { AnsiText } from './ansi-text';
import { Button, Fold } from './basics';
import { useTrans } from './context';
import '../../style/failure.css';

/** What failed and why, on top of everything else, with the ways on. */
export function FailureCard(props: {
  failure: Failure;
  isMended?: boolean;
  isBusy?: boolean;
  /** Where the step's outputs stand beside it: the folds are closed at first. */
  isCompact?: boolean;
  /** The last lines of the step's log, with their ANSI codes. */
  log?: readonly string[];
  onGoToCell?: () => void;
  onRetry?: () => void;
  onShowLog?: () => void;
  /** Open a kernel with what the step was given. */
  onRestore?: () => void;
}): JSX.Element {
  const { failure, log = [] } = props;
  const trans = useTrans();
  const title = failure.step
    ? trans.__('Step %1 failed', failure.step)
    : trans.__('The run failed');
  const error = failure.error_name
    ? [failure.error_name, failure.error_value].filter(Boolean).join(': ')
    : failure.message;
  const place = [
    failure.cell_index !== null &&
      failure.cell_index !== undefined &&
      trans.__('cell %1', failure.cell_index + 1),
    failure.line && trans.__('line %1', failure.line)
  ].filter(Boolean);
  const hasTraceback = failure.traceback.length > 0;
  return (
    <section
      className="jp-mlplat-Failure"
      aria-label={title}
      data-mended={props.isMended}
      data-compact={props.isCompact}
      data-testid="mlplat-failure"
    >
      <div className="jp-mlplat-Failure-head">
        <span className="jp-mlplat-State" data-state="FAILED">
          <stateIcons.FAILED.react tag="span" />
        </span>
        <h3 className="jp-mlplat-Failure-title">{title}</h3>
        <span className="jp-mlplat-Failure-place">{place.join(', ')}</span>
      </div>
      <p
        className="jp-mlplat-Failure-error"
        data-code={failure.error_name !== null}
      >
        {error}
      </p>
      {props.isMended && (
        <p className="jp-mlplat-Failure-hint">
          {trans.__(
            'The cell has changed since. Retrying keeps what succeeded before it.'
          )}
        </p>
      )}
      <div className="jp-mlplat-Failure-actions">
        {props.onRetry && (
          <Button
            label={trans.__('Retry from here')}
            icon={retryIcon}
            kind={props.isMended ? 'primary' : 'plain'}
            isBusy={props.isBusy}
            onClick={props.onRetry}
          />
        )}
        {props.onGoToCell && (
          <Button
            label={trans.__('Open cell')}
            icon={jumpIcon}
            onClick={props.onGoToCell}
          />
        )}
        {props.onRestore && (
          <Button
            label={trans.__('Open a kernel before it')}
            title={trans.__(
              'Open a console with what this step was given; none of its cells runs'
            )}
            icon={kernelIcon}
            testId="mlplat-restore"
            onClick={props.onRestore}
          />
        )}
      </div>
      {hasTraceback && (
        <Fold title={trans.__('Traceback')} isOpenAtFirst={!props.isCompact}>
          <pre className="jp-mlplat-Failure-traceback" tabIndex={0}>
            <AnsiText text={lastLines(failure.traceback)} />
          </pre>
        </Fold>
      )}
      {log.length > 0 && (
        <Fold
          title={trans._n(
            'Last line of the log',
            'Last %1 lines of the log',
            log.length
          )}
          isOpenAtFirst={!hasTraceback && !props.isCompact}
        >
          <pre className="jp-mlplat-Failure-traceback" tabIndex={0}>
            <AnsiText text={log.join('\n')} />
          </pre>
          {props.onShowLog && (
            <button
              type="button"
              className="jp-mlplat-Link jp-mlplat-Failure-more"
              onClick={props.onShowLog}
            >
              {trans.__('Show the whole log')}
            </button>
          )}
        </Fold>
      )}
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

const SHOWN_LINES = 40;
