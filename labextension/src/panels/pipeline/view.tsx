import * as React from 'react';

import type { Task } from '../../api/types';
import {
  Button,
  EmptyState,
  ErrorNote,
  Fold,
  IconButton
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { FailureCard } from '../../components/failure-card';
import { formatDuration } from '../../components/format';
import { RunOn } from '../../components/run-on';
import { Progress, StateIcon, stateLabel } from '../../components/state';
import {
  chevronIcon,
  expandIcon,
  moreIcon,
  pipelineIcon,
  playIcon,
  stopIcon,
  verifyIcon
} from '../../icons';
import { failureOf } from '../../api/failures';
import type { RunWatch } from '../../api/run-watch';
import { countDone, isFinal, stepsOf } from '../../api/states';
import type { IPipelineActions } from './body';
import { Problems, Unknowns, Verification } from './findings';
import { Graph } from './graph';
import { sentenceOf } from './foresight';
import type { PipelineModel } from './model';
import '../../../style/pipeline.css';

// What one looks at second is loaded second.
const EdgeDetails = React.lazy(async () => ({
  default: (await import('./details')).EdgeDetails
}));
const StepDetails = React.lazy(async () => ({
  default: (await import('./details')).StepDetails
}));
const ParameterForm = React.lazy(async () => ({
  default: (await import('./parameter-form')).ParameterForm
}));

/** The active notebook as a pipeline: its head, its newest run, its graph, what is selected. */
export default function PipelineView(props: {
  model: PipelineModel;
  actions: IPipelineActions;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const { notebook, pipeline, error } = model;

  if (notebook === null) {
    return (
      <EmptyState
        icon={pipelineIcon}
        title={trans.__('Open a notebook to see its pipeline')}
      >
        <p>
          {trans.__(
            'Its cells become steps and the values they pass on become edges. No tags needed: write the notebook as always.'
          )}
        </p>
      </EmptyState>
    );
  }
  return (
    <>
      <Header model={model} actions={actions} />
      <RunOn
        places={model.connection.places}
        value={model.runOn}
        onChange={place => {
          model.runOn = place;
        }}
      />
      <div className="jp-mlplat-Section-scroll">
        {error !== null && (
          <ErrorNote
            error={error}
            action={{ label: trans.__('Try again'), onClick: actions.connect }}
          />
        )}
        {error === null && model.planError !== null && (
          <ErrorNote error={model.planError} />
        )}
        {model.run?.run && (
          <LatestRun model={model} watch={model.run} actions={actions} />
        )}
        {model.verification && (
          <Verification
            report={model.verification}
            onGoToCell={actions.goToCell}
            onDismiss={() => model.dismissVerification()}
          />
        )}
        {pipeline === null && error === null && <Skeleton />}
        {pipeline !== null && pipeline.steps.length === 0 && (
          <EmptyState icon={pipelineIcon} title={trans.__('No steps yet')}>
            <p>
              {trans.__(
                'Write a code cell. As soon as it binds or reads a value, it shows up here as a step.'
              )}
            </p>
          </EmptyState>
        )}
        {pipeline !== null && pipeline.steps.length > 0 && (
          <Content model={model} actions={actions} />
        )}
      </div>
    </>
  );
}

function Header(props: {
  model: PipelineModel;
  actions: IPipelineActions;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const { pipeline, notebook, plan } = model;
  return (
    <div className="jp-mlplat-Header">
      <div className="jp-mlplat-Header-text">
        <h2 className="jp-mlplat-Header-title" title={notebook?.path}>
          {notebook?.name}
        </h2>
        <div className="jp-mlplat-Header-facts" aria-live="polite">
          {pipeline === null
            ? model.error === null && trans.__('Reading the notebook…')
            : pipeline.steps.length > 0 &&
              [
                trans._n('%1 step', '%1 steps', pipeline.steps.length),
                trans._n('%1 edge', '%1 edges', pipeline.edges.length)
              ].join(' · ')}
        </div>
        {plan !== null && (
          <div
            className="jp-mlplat-Header-plan"
            data-testid="mlplat-plan"
            aria-live="polite"
          >
            {sentenceOf(trans, plan)}
          </div>
        )}
      </div>
      <div className="jp-mlplat-Header-actions">
        <Button
          label={
            model.isVerifying ? trans.__('Verifying…') : trans.__('Verify')
          }
          icon={verifyIcon}
          title={trans.__(
            'Run the notebook top to bottom and as steps, and compare'
          )}
          isBusy={model.isVerifying}
          isDisabled={pipeline === null}
          testId="mlplat-verify"
          onClick={actions.verify}
        />
        <Button
          kind="primary"
          label={trans.__('Run')}
          icon={playIcon}
          title={
            model.isRunnable
              ? trans.__('Save the notebook and run it as a pipeline')
              : model.parameterProblems.size > 0
                ? trans.__('Mend the marked parameters first')
                : trans.__('Mend what is listed under Problems first')
          }
          isBusy={model.isSubmitting}
          isDisabled={!model.isRunnable}
          testId="mlplat-run"
          onClick={() => actions.run()}
        />
        <MenuButton
          label={trans.__('More actions')}
          isDisabled={pipeline === null}
          onOpen={actions.showMenu}
        />
      </div>
    </div>
  );
}

/** A button that shows a menu below itself. */
function MenuButton(props: {
  label: string;
  isDisabled: boolean;
  onOpen: (below: HTMLElement) => void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-mlplat-IconButton"
      aria-label={props.label}
      aria-haspopup="menu"
      title={props.label}
      disabled={props.isDisabled}
      onClick={event => props.onOpen(event.currentTarget)}
    >
      <moreIcon.react tag="span" />
    </button>
  );
}

/** The newest run of this notebook in two lines, and its failure if it has one. */
function LatestRun(props: {
  model: PipelineModel;
  watch: RunWatch;
  actions: IPipelineActions;
}): JSX.Element | null {
  const { model, watch, actions } = props;
  const trans = useTrans();
  const run = watch.run;
  const isActive = run !== null && !isFinal(run.state);
  const now = useNow(1000, isActive);
  if (run === null) {
    return null;
  }
  const done = countDone(run);
  const cached = run.tasks.filter(task => task.cached).length;
  const seconds =
    run.duration_s ??
    (run.started_at ? (now - Date.parse(run.started_at)) / 1000 : 0);
  const failure = run.state === 'FAILED' ? failureOf(run) : null;
  return (
    <>
      <div className="jp-mlplat-Latest" data-testid="mlplat-latest-run">
        <button
          type="button"
          className="jp-mlplat-Latest-open"
          title={trans.__('Open this run')}
          onClick={() => actions.openRun(run.id)}
        >
          <StateIcon state={run.state} />
          <span className="jp-mlplat-Latest-text">
            <span className="jp-mlplat-Latest-title" role="status">
              {trans.__('Run %1', run.number)} · {stateLabel(trans, run.state)}
            </span>
            <span className="jp-mlplat-Latest-facts">
              {[
                trans.__('%1 of %2 steps', done, stepsOf(run).length),
                cached > 0 && trans.__('%1 cached', cached),
                formatDuration(Math.max(0, seconds))
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </span>
          {!isActive && (
            <chevronIcon.react
              tag="span"
              className="jp-mlplat-Latest-chevron"
            />
          )}
        </button>
        {isActive && (
          <IconButton
            icon={stopIcon}
            label={trans.__('Cancel this run')}
            isDisabled={run.state === 'CANCELING'}
            onClick={() => actions.cancel(run.id)}
          />
        )}
        {isActive && (
          <Progress
            done={done}
            total={stepsOf(run).length}
            state={run.state}
            label={trans.__('Steps done')}
          />
        )}
      </div>
      {failure && (
        <FailureCard
          failure={failure}
          isMended={failure.cell !== null && model.failure === null}
          onGoToCell={
            failure.cell
              ? () =>
                  actions.goToCell(
                    failure.cell as string,
                    failure.line ?? undefined
                  )
              : undefined
          }
          onRetry={() => actions.retry(failure.step)}
          onRestore={
            failure.step && model.pipeline?.language === 'python'
              ? () => actions.restoreState(run.id, failure.step as string)
              : undefined
          }
        />
      )}
    </>
  );
}

function Content(props: {
  model: PipelineModel;
  actions: IPipelineActions;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const { selection } = model;
  const pipeline = model.pipeline!;
  const tasks = new Map<string, Task>(
    model.run?.run?.tasks.map(task => [task.name, task])
  );
  const newest = model.run?.run ?? null;
  const isActive = newest !== null && !isFinal(newest.state);
  const step = selection?.kind === 'step' ? model.step(selection.name) : null;
  const edge =
    selection?.kind === 'edge'
      ? model.edge(selection.from, selection.to)
      : null;
  return (
    <>
      <div className="jp-mlplat-Graph-open">
        <IconButton
          icon={expandIcon}
          label={trans.__('Open the graph in the main area')}
          onClick={actions.openGraph}
        />
      </div>
      <Graph
        pipeline={pipeline}
        tasks={tasks}
        plan={isActive ? null : model.plan}
        selection={selection}
        onMerge={actions.merge}
        isStale={model.error !== null}
        valueOf={(step, name) => model.value(step, name)}
        onSelect={actions.select}
      />
      <React.Suspense fallback={null}>
        {edge && (
          <EdgeDetails
            edge={edge}
            valueOf={name => model.value(edge.from, name)}
            onGoToCell={actions.goToCell}
            onSelect={actions.select}
          />
        )}
        {step && (
          <StepDetails
            pipeline={pipeline}
            step={step}
            task={tasks.get(step.name) ?? null}
            planned={model.planned(step.name)}
            planOnly={model.planOnly}
            onGoToCell={actions.goToCell}
            onSelect={actions.select}
            onRun={actions.run}
            onApply={settings => actions.applySettings(step.name, settings)}
          />
        )}
      </React.Suspense>
      {!edge && !step && pipeline.edges.length > 0 && (
        <p className="jp-mlplat-Hint jp-mlplat-Graph-hint">
          {trans.__(
            'Click a step for its settings, a line for why it is there.'
          )}
        </p>
      )}
      <Problems problems={pipeline.problems} onGoToCell={actions.goToCell} />
      <Fold
        title={trans.__('Parameters')}
        count={pipeline.parameters.length}
        isOpenAtFirst={pipeline.parameters.length > 0}
      >
        {pipeline.parameters.length > 0 ? (
          <React.Suspense fallback={null}>
            <ParameterForm
              parameters={pipeline.parameters}
              texts={model.parameterTexts}
              problems={model.parameterProblems}
              onChange={(name, text) => model.setParameter(name, text)}
            />
          </React.Suspense>
        ) : (
          <p className="jp-mlplat-Hint">
            {trans.__(
              'Tag a cell of assignments "parameters" and each of them becomes a field here.'
            )}
          </p>
        )}
      </Fold>
      <Unknowns pipeline={pipeline} onGoToCell={actions.goToCell} />
    </>
  );
}

/** What the graph will look like, while it is not there yet. */
function Skeleton(): JSX.Element {
  return (
    <div className="jp-mlplat-Skeleton" aria-hidden="true">
      <div />
      <div />
      <div />
    </div>
  );
}
