import * as React from 'react';

import { failureOf } from '../../api/failures';
import { isFinal } from '../../api/states';
import type { TrialState } from '../../api/types';
import {
  Button,
  Code,
  ErrorNote,
  Fold,
  IconButton
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { FailureCard } from '../../components/failure-card';
import { formatNumber } from '../../components/format';
import { Header, Opened } from '../../components/header';
import {
  bestIcon,
  closeIcon,
  expandIcon,
  plusIcon,
  retryIcon,
  stopIcon
} from '../../icons';
import { JobButtons } from '../jobs/buttons';
import { JobSummary } from '../jobs/progress';
import { LogView } from '../runs/log';
import type { ITuningActions } from './body';
import { History, Importance, Parallel, Reports, Slices } from './charts';
import { isModel, isOver, valueText } from './facts';
import { TrialIcon, TrialTable, trialLabel } from './trials';
import type { TuningWatch } from './watch';

import '../../../style/pipeline.css';
import '../../../style/runs.css';
import '../../../style/run-list.css';
import '../../../style/run-detail.css';
import '../../../style/models.css';
import '../../../style/jobs.css';

/** One tuning job in the side panel. */
export function TuningDetail(props: {
  watch: TuningWatch;
  actions: ITuningActions;
}): JSX.Element {
  const { watch, actions } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  const back = () => actions.open(null);
  return (
    <Opened onBack={back}>
      <Header
        title={
          run ? trans.__('Tuning job %1', run.number) : trans.__('Tuning job')
        }
        facts={run?.title || (run?.pipeline ?? '')}
        back={{ label: trans.__('Back to all tuning jobs'), onClick: back }}
      >
        <IconButton
          icon={expandIcon}
          label={trans.__('Open in the main area')}
          onClick={() => actions.openTab(watch.id)}
        />
      </Header>
      <div className="jp-mlplat-Section-scroll" data-testid="mlplat-tuning">
        <TuningContent {...props} height={150} />
      </div>
    </Opened>
  );
}

/** All that is known of a tuning job. */
export function TuningContent(props: {
  watch: TuningWatch;
  actions: ITuningActions;
  height: number;
}): JSX.Element {
  const { watch, actions, height } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  const { status } = watch;
  const now = useNow(run !== null && !isFinal(run.state) ? 500 : 30_000);
  if (run === null || status === null) {
    return watch.error !== null ? (
      <ErrorNote error={watch.error} />
    ) : (
      <p className="jp-mlplat-Hint jp-mlplat-Wait">
        {trans.__('Reading the job…')}
      </p>
    );
  }
  const failure = run.state === 'FAILED' ? failureOf(run) : null;
  const charts = { watch, status, height };
  const hasValues = watch.trials.some(({ value }) => value !== null);
  return (
    <>
      {watch.error !== null && <ErrorNote error={watch.error} />}
      <JobSummary
        run={run}
        nowMs={now}
        progress={run.tasks.find(task => task.progress)?.progress ?? null}
        fraction={watch.fraction}
      />
      <Counts watch={watch} most={status.spec.trials} />
      {status.over && (
        <p className="jp-mlplat-Hint jp-mlplat-Tuning-over">{status.over}</p>
      )}
      <Best watch={watch} actions={actions} isOver={isFinal(run.state)} />
      <JobButtons run={run} actions={actions} retryLabel={trans.__('Go on')} />
      {failure && <FailureCard failure={failure} />}
      {watch.selected && <TrialCard watch={watch} actions={actions} />}
      {hasValues && (
        <Fold title={trans.__('History')} isOpenAtFirst>
          <History {...charts} />
        </Fold>
      )}
      <Fold
        title={trans.__('Trials')}
        count={watch.trials.length}
        isOpenAtFirst
      >
        {watch.trials.length === 0 ? (
          <p className="jp-mlplat-Hint">{trans.__('None has begun yet.')}</p>
        ) : (
          <TrialTable
            watch={watch}
            spec={status.spec}
            onOpen={trial =>
              watch.select(watch.selected?.number === trial ? null : trial)
            }
          />
        )}
      </Fold>
      {hasValues && (
        <Fold title={trans.__('Parameters together')} isOpenAtFirst>
          <Parallel {...charts} />
        </Fold>
      )}
      {Object.keys(status.importance).length > 0 && (
        <Fold title={trans.__('Importance')} isOpenAtFirst>
          <Importance importance={status.importance} />
        </Fold>
      )}
      {hasValues && (
        <Fold title={trans.__('Each parameter')}>
          <Slices {...charts} />
        </Fold>
      )}
      {hasValues && (
        <Fold title={trans.__('While they ran')}>
          <Reports {...charts} />
        </Fold>
      )}
      <About watch={watch} actions={actions} />
    </>
  );
}

/** How many trials are in each state. */
function Counts(props: {
  watch: TuningWatch;
  most: number | null;
}): JSX.Element {
  const { counts, trials } = props.watch;
  const trans = useTrans();
  const over = trials.filter(({ state }) => isOver(state)).length;
  return (
    <ul
      className="jp-mlplat-Counts"
      aria-label={trans.__('Trials by state')}
      data-testid="mlplat-trial-counts"
    >
      <li>
        <b>{over}</b>{' '}
        {props.most === null
          ? trans.__('done')
          : trans.__('of %1 done', props.most)}
      </li>
      {(Object.keys(counts) as TrialState[])
        .filter(state => state !== 'Succeeded')
        .map(state => (
          <li key={state}>
            <TrialIcon state={state} />
            <b>{counts[state]}</b> {trialLabel(trans, state).toLowerCase()}
          </li>
        ))}
    </ul>
  );
}

/** The best trial so far, and what can be done with it. */
function Best(props: {
  watch: TuningWatch;
  actions: ITuningActions;
  isOver: boolean;
}): JSX.Element | null {
  const { watch, actions } = props;
  const { best, status } = watch;
  const trans = useTrans();
  if (best === null || best.value === null || status === null) {
    return null;
  }
  return (
    <section
      className="jp-mlplat-Best"
      aria-label={trans.__('The best trial')}
      data-testid="mlplat-best"
    >
      <div className="jp-mlplat-Best-head">
        <span className="jp-mlplat-Best-icon">
          <bestIcon.react tag="span" />
        </span>
        <span className="jp-mlplat-Best-value">{formatNumber(best.value)}</span>
        <span className="jp-mlplat-Quiet">{status.spec.objective.metric}</span>
        <button
          type="button"
          className="jp-mlplat-Link"
          onClick={() => watch.select(best.number)}
        >
          {trans.__('Trial %1', best.number)}
        </button>
      </div>
      <Assignments parameters={best.parameters} />
      <div className="jp-mlplat-JobButtons">
        <Button
          kind={props.isOver ? 'primary' : 'plain'}
          icon={plusIcon}
          label={trans.__('Register best')}
          title={trans.__(
            'Make a model version of what trial %1 logged',
            best.number
          )}
          onClick={() => actions.registerTrial(watch.id, best.number)}
        />
        <Button
          icon={retryIcon}
          label={trans.__('Re-run best')}
          title={trans.__(
            'Run once more with the parameters of trial %1',
            best.number
          )}
          onClick={() => actions.rerunTrial(watch.id, best.number)}
        />
      </div>
    </section>
  );
}

function Assignments(props: {
  parameters: Readonly<Record<string, unknown>>;
}): JSX.Element {
  return (
    <dl className="jp-mlplat-Assignments">
      {Object.entries(props.parameters).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Code>{valueText(value as never)}</Code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The trial that is open: its parameters, what it measured, what it wrote. */
function TrialCard(props: {
  watch: TuningWatch;
  actions: ITuningActions;
}): JSX.Element | null {
  const { watch, actions } = props;
  const trial = watch.selected;
  const trans = useTrans();
  const card = React.useRef<HTMLElement>(null);
  const number = trial?.number;
  React.useEffect(() => {
    card.current?.scrollIntoView({ block: 'nearest' });
  }, [number]);
  if (trial === null) {
    return null;
  }
  const detail = watch.detailOf(trial.number);
  const models = detail?.artifacts.filter(isModel) ?? [];
  const metrics = Object.entries(trial.metrics);
  return (
    <section
      ref={card}
      className="jp-mlplat-TrialCard"
      aria-label={trans.__('Trial %1', trial.number)}
      data-testid="mlplat-trial"
    >
      <div className="jp-mlplat-TrialCard-head">
        <TrialIcon state={trial.state} />
        <h3>{trans.__('Trial %1', trial.number)}</h3>
        <span className="jp-mlplat-Quiet">
          {trialLabel(trans, trial.state)}
        </span>
        <IconButton
          icon={closeIcon}
          label={trans.__('Put this trial away')}
          onClick={() => watch.select(null)}
        />
      </div>
      {trial.failure && (
        <p className="jp-mlplat-TrialCard-failure">{trial.failure}</p>
      )}
      <Assignments parameters={trial.parameters} />
      {metrics.length > 0 && (
        <div
          className="jp-mlplat-TrialCard-scroll"
          tabIndex={0}
          role="region"
          aria-label={trans.__('Metrics of the trial')}
        >
          <table className="jp-mlplat-Table">
            <thead>
              <tr>
                <th scope="col">{trans.__('Metric')}</th>
                <th scope="col" className="jp-mlplat-Table-number">
                  {trans.__('last')}
                </th>
                <th scope="col" className="jp-mlplat-Table-number">
                  {trans.__('least')}
                </th>
                <th scope="col" className="jp-mlplat-Table-number">
                  {trans.__('greatest')}
                </th>
              </tr>
            </thead>
            <tbody>
              {metrics.map(([name, seen]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {[seen.latest, seen.min, seen.max].map((value, index) => (
                    <td key={index} className="jp-mlplat-Table-number">
                      {formatNumber(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {Object.keys(trial.label).length > 0 && (
        <p className="jp-mlplat-Hint">
          {Object.entries(trial.label)
            .map(([name, value]) => `${name} ${valueText(value)}`)
            .join(' · ')}
        </p>
      )}
      <div className="jp-mlplat-JobButtons">
        {!isOver(trial.state) && (
          <Button
            icon={stopIcon}
            label={trans.__('Stop this trial')}
            onClick={() => actions.stopTrial(watch.id, trial.number)}
          />
        )}
        {models.length > 0 && (
          <Button
            icon={plusIcon}
            label={trans.__('Register')}
            onClick={() => actions.registerTrial(watch.id, trial.number)}
          />
        )}
        <Button
          label={watch.log ? trans.__('Hide its log') : trans.__('Log')}
          onClick={() => watch.showLog(watch.log === null)}
        />
      </div>
      {watch.log && (
        <div className="jp-mlplat-Rank-log">
          <LogView key={trial.number} model={watch.log} />
        </div>
      )}
    </section>
  );
}

/** What was asked for. */
function About(props: {
  watch: TuningWatch;
  actions: ITuningActions;
}): JSX.Element | null {
  const { watch, actions } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  const { status } = watch;
  if (run === null || status === null) {
    return null;
  }
  const { spec } = status;
  const facts: [string, React.ReactNode][] = [];
  const add = (label: string, value: React.ReactNode) =>
    value && facts.push([label, value]);
  const { notebook } = run;
  const settingsOf = (settings: Readonly<Record<string, unknown>>) =>
    Object.entries(settings)
      .map(([name, value]) => ` · ${name} ${String(value)}`)
      .join('');
  add(
    trans.__('Notebook'),
    notebook && (
      <button
        type="button"
        className="jp-mlplat-Link"
        title={notebook}
        onClick={() => actions.openNotebook(notebook)}
      >
        {notebook.split('/').pop()}
      </button>
    )
  );
  add(
    trans.__('Objective'),
    [
      spec.objective.direction === 'maximize'
        ? trans.__('greatest %1', spec.objective.metric)
        : trans.__('least %1', spec.objective.metric),
      spec.objective.goal !== null &&
        trans.__('until %1', formatNumber(spec.objective.goal))
    ]
      .filter(Boolean)
      .join(' · ')
  );
  add(
    trans.__('Algorithm'),
    spec.algorithm.name + settingsOf(spec.algorithm.settings)
  );
  add(
    trans.__('Early stopping'),
    spec.early_stopping &&
      spec.early_stopping.name + settingsOf(spec.early_stopping.settings)
  );
  add(trans.__('At once'), String(spec.parallel));
  add(
    trans.__('Failed trials'),
    spec.failures !== null && trans.__('%1 at most', spec.failures)
  );
  add(trans.__('Seed'), spec.seed !== null && String(spec.seed));
  for (const {
    name,
    type,
    minimum,
    maximum,
    values,
    distribution,
    step
  } of spec.space) {
    add(
      name,
      type === 'discrete' || type === 'categorical'
        ? values.map(valueText).join(', ')
        : [
            trans.__('%1 to %2', valueText(minimum), valueText(maximum)),
            step !== null && trans.__('step %1', step),
            distribution !== 'uniform' && distribution
          ]
            .filter(Boolean)
            .join(' · ')
    );
  }
  return (
    <Fold title={trans.__('About')}>
      <dl className="jp-mlplat-Facts">
        {facts.map(([label, value], index) => (
          <React.Fragment key={index}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
    </Fold>
  );
}
