import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type {
  Edge,
  EdgeReason,
  OutputValue,
  Pipeline,
  PlannedStep,
  RunPlan,
  Step,
  Task
} from '../../api/types';
import { Button, Code, IconButton, Prose } from '../../components/basics';
import { useTrans } from '../../components/context';
import {
  formatAge,
  formatBytes,
  formatDuration
} from '../../components/format';
import { stepStyle } from '../../components/palette';
import { closeIcon, jumpIcon, playIcon } from '../../icons';
import type { SettingsData } from '../../notebook/step-settings';
import { onlyThisOf, outlookLabel, outlookOf } from './foresight';
import { proofLabel } from './graph';
import { onlyThis } from './model';
import type { IRunOptions, Selection } from './model';
import { StepForm } from './step-form';
import '../../../style/pipeline.css';

/** Why an edge exists: each name with the cells and the proof. */
export function EdgeDetails(props: {
  edge: Edge;
  /** What the newest run passed along under a name. */
  valueOf: (name: string) => OutputValue | null;
  onGoToCell: (cell: string) => void;
  onSelect: (selection: Selection | null) => void;
}): JSX.Element {
  const { edge } = props;
  const trans = useTrans();
  return (
    <section className="jp-mlplat-Details" data-testid="mlplat-edge-details">
      <header className="jp-mlplat-Details-head">
        <h3 className="jp-mlplat-Details-title">
          <button
            type="button"
            className="jp-mlplat-Link"
            title={edge.from}
            onClick={() => props.onSelect({ kind: 'step', name: edge.from })}
          >
            {edge.from}
          </button>
          <span aria-hidden="true"> → </span>
          <button
            type="button"
            className="jp-mlplat-Link"
            title={edge.to}
            onClick={() => props.onSelect({ kind: 'step', name: edge.to })}
          >
            {edge.to}
          </button>
        </h3>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close')}
          onClick={() => props.onSelect(null)}
        />
      </header>
      {edge.reasons.length === 0 && (
        <p className="jp-mlplat-Hint">
          {trans.__('This order was asked for in the notebook.')}
        </p>
      )}
      <ul className="jp-mlplat-Reasons">
        {edge.reasons.map((reason, index) => (
          <Reason
            key={index}
            reason={reason}
            value={props.valueOf(reason.name)}
            onGoToCell={props.onGoToCell}
          />
        ))}
      </ul>
    </section>
  );
}

function Reason(props: {
  reason: EdgeReason;
  value: OutputValue | null;
  onGoToCell: (cell: string) => void;
}): JSX.Element {
  const { reason, value } = props;
  const trans = useTrans();
  return (
    <li className="jp-mlplat-Reason">
      <div className="jp-mlplat-Reason-head">
        <Code>{reason.name}</Code>
        <span
          className="jp-mlplat-Proof"
          data-proof={reason.proof}
          title={proofHelp(trans, reason.proof)}
        >
          {proofLabel(trans, reason.proof)}
        </span>
      </div>
      <p className="jp-mlplat-Reason-why">
        <Prose text={reason.why} />
      </p>
      {value && (
        <p className="jp-mlplat-Hint" title={value.preview}>
          {[value.type, formatBytes(value.size_bytes), value.preview]
            .filter(Boolean)
            .join(' · ')}
        </p>
      )}
      <div className="jp-mlplat-Reason-cells">
        <button
          type="button"
          className="jp-mlplat-Link"
          onClick={() => props.onGoToCell(reason.source_cell)}
        >
          {trans.__('Made here')}
        </button>
        <button
          type="button"
          className="jp-mlplat-Link"
          onClick={() => props.onGoToCell(reason.target_cell)}
        >
          {trans.__('Read here')}
        </button>
      </div>
    </li>
  );
}

/** A step: what it reads and gives, how its last run went, and its settings. */
export function StepDetails(props: {
  pipeline: Pipeline;
  step: Step;
  /** Of the newest run. */
  task: Task | null;
  planned: PlannedStep | null;
  /** What a run of this step alone would do; null where that is not known. */
  planOnly?: RunPlan | null;
  onGoToCell: (cell: string) => void;
  onSelect: (selection: Selection | null) => void;
  /** Not given where nothing can be run: for a run that is shown. */
  onRun?: (options: IRunOptions) => void;
  /** Not given where the settings cannot be changed. */
  onApply?: (settings: SettingsData) => void;
}): JSX.Element {
  const { pipeline, step, task, planned, onRun, onApply } = props;
  const trans = useTrans();
  const incoming = pipeline.edges.filter(edge => edge.to === step.name);
  const outgoing = pipeline.edges.filter(edge => edge.from === step.name);
  const index = pipeline.steps.indexOf(step);
  const only = props.planOnly
    ? onlyThisOf(trans, props.planOnly, step.name)
    : null;
  return (
    <section
      className="jp-mlplat-Details"
      data-testid="mlplat-step-details"
      style={stepStyle(index)}
    >
      <header className="jp-mlplat-Details-head">
        <span className="jp-mlplat-Swatch" />
        <h3 className="jp-mlplat-Details-title">{step.title || step.name}</h3>
        <IconButton
          icon={jumpIcon}
          label={trans.__('Go to the first cell of this step')}
          onClick={() => props.onGoToCell(step.cells[0].id)}
        />
        {onRun && (
          <IconButton
            icon={playIcon}
            label={trans.__('Run up to this step')}
            onClick={() => onRun({ until: step.name })}
          />
        )}
        <IconButton
          icon={closeIcon}
          label={trans.__('Close')}
          onClick={() => props.onSelect(null)}
        />
      </header>
      <dl className="jp-mlplat-Facts">
        <EdgeList
          label={trans.__('Reads')}
          edges={incoming}
          end="from"
          onSelect={props.onSelect}
        />
        <EdgeList
          label={trans.__('Gives')}
          edges={outgoing}
          end="to"
          onSelect={props.onSelect}
        />
        {planned && (
          <>
            <dt>{trans.__('Next run')}</dt>
            <dd data-testid="mlplat-step-plan">
              {outlookLabel(trans, outlookOf(planned))}: {planned.reason}
              {planned.stale !== null && planned.stale !== planned.reason && (
                <div>{planned.stale}</div>
              )}
            </dd>
          </>
        )}
        {planned?.last && (
          <>
            <dt>{trans.__('Last good run')}</dt>
            <dd>
              {[
                trans.__('Run %1', planned.last.run_number),
                planned.last.finished_at &&
                  formatAge(planned.last.finished_at, Date.now()),
                planned.last.duration_s !== null &&
                  formatDuration(planned.last.duration_s)
              ]
                .filter(Boolean)
                .join(' · ')}
            </dd>
          </>
        )}
        {task?.cache && (
          <>
            <dt>{trans.__('Cache')}</dt>
            <dd>
              {task.cache.reason}
              {task.cache.changed.length > 0 && (
                <div className="jp-mlplat-Quiet">
                  {task.cache.changed.join(', ')}
                </div>
              )}
            </dd>
          </>
        )}
        {task?.waiting_for && (
          <>
            <dt>{trans.__('Waits for')}</dt>
            <dd>{task.waiting_for}</dd>
          </>
        )}
      </dl>
      {onRun && (
        <>
          <div className="jp-mlplat-Details-actions">
            <Button
              label={trans.__('Run from here')}
              title={trans.__(
                'This step and all below it anew; what it needs from the cache'
              )}
              onClick={() => onRun({ from: step.name })}
            />
            <Button
              label={
                only && only.first.length > 0
                  ? trans._n(
                      'Run this and %1 before it',
                      'Run this and %1 before it',
                      only.first.length
                    )
                  : trans.__('Run only this')
              }
              title={trans.__(
                'This step anew; what it needs as it is in the cache, or as its last good run left it'
              )}
              testId="mlplat-run-only"
              onClick={() => onRun(onlyThis(step.name))}
            />
          </div>
          {only && incoming.length > 0 && (
            <p
              className="jp-mlplat-Hint"
              role="status"
              data-testid="mlplat-only-plan"
            >
              {only.notes.length > 0
                ? trans.__('Run only this: %1', only.notes.join(' '))
                : trans.__('Run only this: what it needs is in the cache.')}
            </p>
          )}
        </>
      )}
      {onApply && (
        <StepForm
          key={step.name}
          step={step}
          taken={
            new Set(
              pipeline.steps
                .map(other => other.name)
                .filter(name => name !== step.name)
            )
          }
          onApply={onApply}
        />
      )}
    </section>
  );
}

function EdgeList(props: {
  label: string;
  edges: readonly Edge[];
  end: 'from' | 'to';
  onSelect: (selection: Selection) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <dt>{props.label}</dt>
      <dd>
        {props.edges.length === 0 && (
          <span className="jp-mlplat-Quiet">{trans.__('nothing')}</span>
        )}
        {props.edges.map(edge => (
          <button
            key={edge[props.end]}
            type="button"
            className="jp-mlplat-EdgeChip"
            title={trans.__('Show why')}
            onClick={() =>
              props.onSelect({ kind: 'edge', from: edge.from, to: edge.to })
            }
          >
            <span className="jp-mlplat-EdgeChip-step">{edge[props.end]}</span>
            <span className="jp-mlplat-EdgeChip-names">
              {edge.names.join(', ') || trans.__('order only')}
            </span>
          </button>
        ))}
      </dd>
    </>
  );
}

function proofHelp(
  trans: TranslationBundle,
  proof: EdgeReason['proof']
): string {
  switch (proof) {
    case 'proved':
      return trans.__('Follows from the source alone.');
    case 'observed':
      return trans.__('Seen in a kernel that ran exactly these cells.');
    case 'assumed':
      return trans.__('Cannot be excluded, so the safe order is kept.');
  }
}
