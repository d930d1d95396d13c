import * as React from 'react';

import { failureOf } from '../../api/failures';
import type { RankStatus, Run, RunSummary } from '../../api/types';
import { LineChart, LineControls, PLAIN } from '../../charts';
import { Fold, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { FailureCard } from '../../components/failure-card';
import {
  formatAge,
  formatBytes,
  formatDuration
} from '../../components/format';
import { stepColor } from '../../components/palette';
import { StateIcon } from '../../components/state';
import { closeIcon } from '../../icons';
import { LogView } from '../runs/log';
import type { MetricAxis } from '../runs/metric-series';
import { curvesOf } from './curves';
import { MOST_OTHERS } from './watch';
import type { TrainWatch } from './watch';

/** What failed: the traceback of the process that failed first. */
export function JobFailure(props: {
  run: Run;
  onGoToCell?: (cell: string, line?: number) => void;
}): JSX.Element | null {
  const { run, onGoToCell } = props;
  const failure = run.state === 'FAILED' ? failureOf(run) : null;
  const cell = failure?.cell;
  return (
    failure && (
      <FailureCard
        failure={failure}
        onGoToCell={
          cell && onGoToCell
            ? () => onGoToCell(cell, failure.line ?? undefined)
            : undefined
        }
      />
    )
  );
}

/** The curves of the job, and of others beside it. */
export function Curves(props: {
  watch: TrainWatch;

  /** Jobs that can be drawn beside it. */
  others: readonly RunSummary[];
  height: number;
}): JSX.Element {
  const { watch, others } = props;
  const trans = useTrans();
  const [options, setOptions] = React.useState(PLAIN);
  const [axis, setAxis] = React.useState<MetricAxis>('position');
  const { together } = watch;
  const version = together.map(job => [job.watch.metrics, job.watch.run]);
  const charts = React.useMemo(
    () => curvesOf(together, axis),
    // What is drawn is made of these; the jobs themselves stay the same objects.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [axis, ...version.flat(), version.length]
  );
  const offered = others.filter(
    ({ id }) => !together.some(job => job.id === id)
  );
  return (
    <div className="jp-mlplat-Curves" data-testid="mlplat-curves">
      <div className="jp-mlplat-Curves-bar">
        {charts.length > 0 && (
          <LineControls options={options} onChange={setOptions} />
        )}
        {charts.length > 0 && (
          <select
            className="jp-mlplat-Select jp-mlplat-Curves-choice"
            aria-label={trans.__('Over')}
            value={axis}
            onChange={event => setAxis(event.target.value as MetricAxis)}
          >
            <option value="position">{trans.__('Over steps')}</option>
            <option value="time">{trans.__('Over time')}</option>
          </select>
        )}
        {offered.length > 0 && together.length <= MOST_OTHERS && (
          <select
            className="jp-mlplat-Select jp-mlplat-Curves-choice"
            aria-label={trans.__('Draw another job with it')}
            value=""
            onChange={event => watch.toggleOther(event.target.value)}
          >
            <option value="">{trans.__('Draw another with it…')}</option>
            {offered.map(run => (
              <option key={run.id} value={run.id}>
                #{run.number} {run.title || run.pipeline}
              </option>
            ))}
          </select>
        )}
      </div>
      {together.length > 1 && (
        <ul
          className="jp-mlplat-Tags"
          aria-label={trans.__('Jobs that are drawn')}
        >
          {together.map((job, index) => (
            <li key={job.id} className="jp-mlplat-Tag jp-mod-chip">
              <span>
                <span
                  className="jp-mlplat-Swatch"
                  style={{ background: stepColor(index) }}
                />
                #{job.watch.run?.number ?? '…'} {job.watch.run?.pipeline ?? ''}
              </span>
              {index > 0 && (
                <IconButton
                  icon={closeIcon}
                  label={trans.__(
                    'Draw job %1 no longer',
                    job.watch.run?.number ?? ''
                  )}
                  onClick={() => watch.toggleOther(job.id)}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {charts.length === 0 && (
        <p className="jp-mlplat-Hint">
          {trans.__(
            'Nothing has been measured yet. Code tells by mlplat.log_metric(name, value, step=…) or mlplat.train.report(…).'
          )}
        </p>
      )}
      <div className="jp-mlplat-Curves-charts">
        {charts.map(({ name, series }) => (
          <div key={name} className="jp-mlplat-Curves-chart">
            <h4>{name}</h4>
            <LineChart
              label={trans.__('%1 of each job', name)}
              series={series}
              options={options}
              isTime={axis === 'time'}
              height={props.height}
              syncKey="jp-mlplat-training"
              hasNoLegend={together.length > 1 && series.length > 8}
            />
          </div>
        ))}
      </div>
    </div>
  );
}

/** The processes of the job, and the log of one of them. */
export function Ranks(props: {
  watch: TrainWatch;
  nowMs: number;
}): JSX.Element | null {
  const { watch } = props;
  const trans = useTrans();
  const { ranks } = watch;
  if (ranks.length === 0) {
    return null;
  }
  const shown = watch.log === null ? null : watch.rank;
  const failed = ranks.filter(({ state }) => state === 'failed').length;
  return (
    <Fold
      title={trans.__('Processes')}
      count={failed || ranks.length}
      tone={failed > 0 ? 'error' : undefined}
      isOpenAtFirst
    >
      <ul className="jp-mlplat-Ranks" data-testid="mlplat-ranks">
        {ranks.map(rank => (
          <li key={rank.rank}>
            <button
              type="button"
              className="jp-mlplat-Rank"
              data-rank={rank.rank}
              data-state={rank.state}
              aria-expanded={shown === rank.rank}
              title={trans.__('Show what it wrote')}
              onClick={() =>
                watch.showLog(shown === rank.rank ? null : rank.rank)
              }
            >
              <StateIcon state={RANK_STATES[rank.state]} />
              <span className="jp-mlplat-Rank-name">
                {trans.__('Rank %1', rank.rank)}
              </span>
              <span className="jp-mlplat-Rank-facts">
                {factsOf(rank, props.nowMs, trans.__('node %1', rank.node))}
              </span>
            </button>
            {rank.exit && rank.state === 'failed' && (
              <div className="jp-mlplat-Rank-exit">{rank.exit}</div>
            )}
            {shown === rank.rank && watch.log && (
              <div className="jp-mlplat-Rank-log">
                <LogView key={rank.rank} model={watch.log} />
              </div>
            )}
          </li>
        ))}
      </ul>
    </Fold>
  );
}

function factsOf(rank: RankStatus, nowMs: number, node: string): string {
  const end = rank.finished_at ? Date.parse(rank.finished_at) : nowMs;
  const took = rank.started_at
    ? formatDuration(Math.max(0, (end - Date.parse(rank.started_at)) / 1000))
    : null;
  const gpus = rank.gpus.length > 0 ? `GPU ${rank.gpus.join(', ')}` : null;
  return [node, gpus, took].filter(Boolean).join(' · ');
}

const RANK_STATES = {
  pending: 'PENDING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  stopped: 'CANCELED'
} as const;

/** What it can go on from. */
export function Checkpoints(props: {
  watch: TrainWatch;
  nowMs: number;
}): JSX.Element | null {
  const checkpoints = props.watch.status?.checkpoints ?? [];
  const trans = useTrans();
  return checkpoints.length === 0 ? null : (
    <Fold title={trans.__('Checkpoints')} count={checkpoints.length}>
      <ul className="jp-mlplat-Checkpoints" data-testid="mlplat-checkpoints">
        {checkpoints.map(checkpoint => (
          <li key={checkpoint.name}>
            <span className="jp-mlplat-Checkpoint-name">{checkpoint.name}</span>
            <span className="jp-mlplat-Quiet">
              {[
                checkpoint.position !== null &&
                  trans.__('step %1', checkpoint.position),
                formatBytes(checkpoint.size_bytes),
                checkpoint.created_at &&
                  formatAge(checkpoint.created_at, props.nowMs)
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </Fold>
  );
}

/** What it asked for, and what it got. */
export function TrainFacts(props: {
  watch: TrainWatch;
  onOpenNotebook: (path: string) => void;
}): JSX.Element | null {
  const { watch } = props;
  const trans = useTrans();
  const { run, pipeline } = watch.watch;
  const { status } = watch;
  const step = pipeline?.steps.find(one => one.train) ?? pipeline?.steps[0];
  const spec = status?.spec ?? step?.train ?? null;
  if (!run || !spec) {
    return null;
  }
  const facts: [string, React.ReactNode][] = [];
  const add = (label: string, value: React.ReactNode) =>
    value && facts.push([label, value]);
  const { notebook } = run;
  add(
    trans.__('Notebook'),
    notebook && (
      <button
        type="button"
        className="jp-mlplat-Link"
        title={notebook}
        onClick={() => props.onOpenNotebook(notebook)}
      >
        {notebook.split('/').pop()}
      </button>
    )
  );
  add(trans.__('Runtime'), spec.runtime);
  add(
    trans.__('Processes'),
    trans.__(
      '%1 on each of %2',
      spec.processes ?? trans.__('one a GPU'),
      trans._n('%1 node', '%1 nodes', spec.nodes)
    )
  );
  const resources = step?.settings.resources;
  add(
    trans.__('Asked for'),
    resources &&
      [
        trans._n('%1 core', '%1 cores', resources.cpu),
        resources.memory_bytes && formatBytes(resources.memory_bytes),
        resources.gpu > 0 &&
          trans._n('%1 GPU', '%1 GPUs', Math.ceil(resources.gpu))
      ]
        .filter(Boolean)
        .join(' · ')
  );
  add(trans.__('GPUs'), run.tasks.flatMap(task => task.gpus).join(', '));
  add(trans.__('Dataset'), spec.dataset?.uri);
  add(trans.__('Model'), spec.model?.uri);
  add(
    trans.__('Started again'),
    status &&
      status.restarts > 0 &&
      trans._n('%1 time', '%1 times', status.restarts)
  );
  for (const condition of status?.conditions ?? []) {
    if (condition.message && condition.status !== 'False') {
      facts.push([condition.type, condition.message]);
    }
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
