import * as React from 'react';

import type { Pipeline, Problem, VerifyReport } from '../../api/types';
import { Fold, IconButton, Prose } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import {
  closeIcon,
  infoIcon,
  stateIcons,
  verifyIcon,
  warningIcon
} from '../../icons';

/** What the compiler has to say, each with the way to its cell. */
export function Problems(props: {
  problems: readonly Problem[];
  onGoToCell: (cell: string, line?: number) => void;
}): JSX.Element | null {
  const trans = useTrans();
  if (props.problems.length === 0) {
    return null;
  }
  const hasError = props.problems.some(problem => problem.severity === 'error');
  return (
    <Fold
      title={trans.__('Problems')}
      count={props.problems.length}
      tone={hasError ? 'error' : 'warning'}
      isOpenAtFirst={hasError}
    >
      <ul className="jp-mlplat-Findings" data-testid="mlplat-problems">
        {props.problems.map((problem, index) => (
          <Finding
            key={index}
            severity={problem.severity}
            text={problem.message}
            cell={problem.cell}
            line={problem.line}
            onGoToCell={props.onGoToCell}
          />
        ))}
      </ul>
    </Fold>
  );
}

/** What cannot be known from the source, and what was assumed. */
export function Unknowns(props: {
  pipeline: Pipeline;
  onGoToCell: (cell: string, line?: number) => void;
}): JSX.Element | null {
  const trans = useTrans();
  if (props.pipeline.unknown.length === 0) {
    return null;
  }
  return (
    <Fold
      title={trans.__('Unknown to the compiler')}
      count={props.pipeline.unknown.length}
    >
      <ul className="jp-mlplat-Findings">
        {props.pipeline.unknown.map((unknown, index) => (
          <Finding
            key={index}
            severity="info"
            head={unknown.what}
            text={unknown.consequence}
            cell={unknown.cell}
            line={unknown.line}
            onGoToCell={props.onGoToCell}
          />
        ))}
      </ul>
      <p className="jp-mlplat-Hint">
        <Prose
          text={trans.__(
            'Begin the notebook with `%load_ext jupyter_mlplat` and run it: what such a cell then does is observed, and nothing is left to assume.'
          )}
        />
      </p>
    </Fold>
  );
}

/** What `verify` found. */
export function Verification(props: {
  report: VerifyReport;
  onGoToCell: (cell: string) => void;
  onDismiss: () => void;
}): JSX.Element {
  const { report } = props;
  const trans = useTrans();
  const isRefused = report.refused.length > 0;
  const hasFindings =
    isRefused || report.unfinished.length + report.differences.length > 0;
  const title = isRefused
    ? trans.__('The notebook cannot be run as steps')
    : report.unfinished.length > 0
      ? trans.__('The notebook did not end in time')
      : report.equal
        ? trans.__('Equal both ways')
        : trans._n(
            '%1 difference between the two ways',
            '%1 differences between the two ways',
            report.differences.length
          );
  return (
    <section
      className="jp-mlplat-Verification"
      data-equal={report.equal}
      data-testid="mlplat-verification"
      role="status"
    >
      <header className="jp-mlplat-Details-head">
        <verifyIcon.react tag="span" className="jp-mlplat-Verification-icon" />
        <h3 className="jp-mlplat-Details-title">{title}</h3>
        <IconButton
          icon={closeIcon}
          label={trans.__('Dismiss')}
          onClick={props.onDismiss}
        />
      </header>
      {report.equal && (
        <p className="jp-mlplat-Hint">
          {trans.__(
            'Top to bottom in one kernel and as steps in fresh processes gave the same, in %1.',
            formatDuration(report.duration_s)
          )}
        </p>
      )}
      {hasFindings && (
        <ul className="jp-mlplat-Findings">
          {report.refused.map((problem, index) => (
            <Finding
              key={index}
              severity="error"
              text={problem.message}
              cell={problem.cell}
              onGoToCell={props.onGoToCell}
            />
          ))}
          {[...report.unfinished, ...report.differences].map(
            (difference, index) => (
              <Finding
                key={index}
                severity="error"
                head={`\`${difference.step}\``}
                text={difference.what}
                cell={difference.cell}
                onGoToCell={props.onGoToCell}
              />
            )
          )}
        </ul>
      )}
    </section>
  );
}

function Finding(props: {
  severity: Problem['severity'];
  text: string;
  head?: string;
  cell: string | null;
  line?: number | null;
  onGoToCell: (cell: string, line?: number) => void;
}): JSX.Element {
  const trans = useTrans();
  const { cell, line } = props;
  const icon = {
    error: stateIcons.FAILED,
    warning: warningIcon,
    info: infoIcon
  }[props.severity];
  return (
    <li className="jp-mlplat-Finding" data-severity={props.severity}>
      <icon.react tag="span" className="jp-mlplat-Finding-icon" />
      <div className="jp-mlplat-Finding-body">
        {props.head && (
          <span className="jp-mlplat-Finding-head">
            <Prose text={props.head} />
          </span>
        )}
        <span className="jp-mlplat-Finding-text">
          <Prose text={props.text} />
        </span>
        {cell !== null && (
          <button
            type="button"
            className="jp-mlplat-Link"
            onClick={() => props.onGoToCell(cell, line ?? undefined)}
          >
            {line
              ? trans.__('Go to cell, line %1', line)
              : trans.__('Go to cell')}
          </button>
        )}
      </div>
    </li>
  );
}
