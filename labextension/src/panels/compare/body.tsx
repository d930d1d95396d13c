import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import { LineChart, LineControls, PLAIN } from '../../charts';
import { canDrawVega } from '../../charts/vega';
import { ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import {
  formatAge,
  formatDuration,
  formatNumber
} from '../../components/format';
import { stepColor } from '../../components/palette';
import { StateIcon } from '../../components/state';
import { CompareCharts } from './charts';
import { CodeDiff } from './code';
import { curves, durationRows, metricRows, parameterRows } from './facts';
import type { ICompared, IRow } from './facts';
import type { CompareModel } from './model';
import '../../../style/compare.css';

/** What differs between runs: parameters, metrics, durations, code. */
export default function CompareBody(props: {
  model: CompareModel;
  rendermime: IRenderMimeRegistry | null;
  onOpenRun: (run: string) => void;
}): JSX.Element {
  const { model, rendermime } = props;
  const trans = useTrans();
  const [options, setOptions] = React.useState(PLAIN);
  const { runs, baseline } = model;
  const lines = curves(runs);
  return (
    <div className="jp-mlplat-Comparison-body">
      {model.errors.map((error, index) => (
        <ErrorNote key={index} error={error} />
      ))}
      {model.isLoading && (
        <p className="jp-mlplat-Hint">{trans.__('Reading the runs…')}</p>
      )}
      {runs.length > 0 && (
        <div className="jp-mlplat-Comparison-scroll">
          <table className="jp-mlplat-Comparison-table">
            <Heads {...props} runs={runs} />
            <Parameters runs={runs} />
            <Metrics runs={runs} baseline={baseline} />
            <Durations runs={runs} baseline={baseline} />
          </table>
        </div>
      )}
      {runs.length > 1 && rendermime && canDrawVega(rendermime) && (
        <CompareCharts runs={runs} rendermime={rendermime} />
      )}
      {lines.length > 0 && (
        <section className="jp-mlplat-Comparison-section">
          <header className="jp-mlplat-Comparison-heading">
            <h2>{trans.__('Curves')}</h2>
            <LineControls options={options} onChange={setOptions} />
          </header>
          <div className="jp-mlplat-Comparison-charts">
            {lines.map(({ name, series }) => (
              <div key={name} className="jp-mlplat-Comparison-chart">
                <h3>{name}</h3>
                <LineChart
                  label={trans.__('%1 of each run by position', name)}
                  series={series}
                  options={options}
                  height={200}
                  syncKey="jp-mlplat-compare"
                />
              </div>
            ))}
          </div>
        </section>
      )}
      {runs.length > 1 && <CodeDiff runs={runs} baseline={baseline} />}
    </div>
  );
}

function Heads(props: {
  model: CompareModel;
  runs: readonly ICompared[];
  onOpenRun: (run: string) => void;
}): JSX.Element {
  const { model, runs } = props;
  const trans = useTrans();
  const name = React.useId();
  return (
    <thead>
      <tr>
        <td className="jp-mlplat-Comparison-corner">
          {trans.__('Measured against')}
        </td>
        {runs.map(({ run }, index) => (
          <th key={run.id} scope="col">
            <div className="jp-mlplat-Comparison-head">
              <input
                type="radio"
                name={name}
                aria-label={trans.__(
                  'Measure the others against run %1',
                  run.number
                )}
                checked={index === model.baseline}
                onChange={() => model.setBaseline(index)}
              />
              <span
                className="jp-mlplat-Comparison-swatch"
                style={{ background: stepColor(index) }}
              />
              <StateIcon state={run.state} />
              <button
                type="button"
                className="jp-mlplat-Link"
                title={trans.__('Open the run')}
                onClick={() => props.onOpenRun(run.id)}
              >
                {run.pipeline} #{run.number}
              </button>
            </div>
            <div className="jp-mlplat-Comparison-facts">
              {[
                run.duration_s !== null && formatDuration(run.duration_s),
                formatAge(run.created_at, Date.now())
              ]
                .filter(Boolean)
                .join(' · ')}
            </div>
            {run.note && (
              <div className="jp-mlplat-Comparison-note" title={run.note}>
                {run.note}
              </div>
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Parameters(props: { runs: readonly ICompared[] }): JSX.Element | null {
  const trans = useTrans();
  return (
    <Rows
      title={trans.__('Parameters')}
      rows={parameterRows(props.runs)}
      isMarked
      count={props.runs.length}
      render={value => <code>{value}</code>}
    />
  );
}

function Metrics(props: {
  runs: readonly ICompared[];
  baseline: number;
}): JSX.Element | null {
  const trans = useTrans();
  const rows = metricRows(props.runs);
  const best = new Map(rows.map(row => [row.name, row.best]));
  return (
    <Rows
      title={trans.__('Metrics')}
      rows={rows}
      count={props.runs.length}
      render={(value, index, row) => (
        <>
          {best.get(row.name)?.includes(index) && (
            <span className="jp-mlplat-Comparison-best">
              {trans.__('best')}
            </span>
          )}
          <Delta value={value} of={row.values[props.baseline]} />
          <span title={String(value)}>{formatNumber(value)}</span>
        </>
      )}
    />
  );
}

function Durations(props: {
  runs: readonly ICompared[];
  baseline: number;
}): JSX.Element | null {
  const trans = useTrans();
  const rows = durationRows(props.runs);
  const longest = Math.max(
    ...rows.flatMap(row => row.values.map(value => value ?? 0))
  );
  return (
    <Rows
      title={trans.__('Time of each step')}
      rows={rows}
      count={props.runs.length}
      none={trans.__('did not run')}
      render={(value, index) =>
        value === 0 ? (
          <span className="jp-mlplat-Quiet">{trans.__('from the cache')}</span>
        ) : (
          <span className="jp-mlplat-Comparison-time">
            <span
              className="jp-mlplat-Comparison-bar"
              style={{
                width: `${(60 * value) / Math.max(longest, 1e-9)}%`,
                background: stepColor(index)
              }}
            />
            {formatDuration(value)}
          </span>
        )
      }
    />
  );
}

/** A part of the table: its heading, then a row a name. */
function Rows<T>(props: {
  title: string;
  rows: readonly IRow<T>[];
  count: number;
  none?: string;

  /** Bring out which rows differ, where most may well be equal. */
  isMarked?: boolean;
  render: (value: T, index: number, row: IRow<T>) => React.ReactNode;
}): JSX.Element | null {
  const trans = useTrans();
  if (props.rows.length === 0) {
    return null;
  }
  return (
    <tbody>
      <tr>
        <th
          scope="colgroup"
          colSpan={props.count + 1}
          className="jp-mlplat-Comparison-part"
        >
          {props.title}
        </th>
      </tr>
      {props.rows.map(row => (
        <tr key={row.name} data-differs={row.differs || !props.isMarked}>
          <th scope="row">
            <span className="jp-mlplat-Comparison-name">{row.name}</span>
            {row.differs && props.isMarked && (
              <span
                className="jp-mlplat-Comparison-mark"
                role="img"
                aria-label={trans.__('differs')}
                title={trans.__('differs')}
              >
                ≠
              </span>
            )}
          </th>
          {row.values.map((value, index) => (
            <td key={index}>
              {value === null ? (
                <span className="jp-mlplat-Quiet">{props.none ?? '–'}</span>
              ) : (
                props.render(value, index, row)
              )}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Delta(props: {
  value: number;
  of: number | null;
}): JSX.Element | null {
  const { value, of } = props;
  if (of === null || of === value || !Number.isFinite(value - of)) {
    return null;
  }
  const difference = value - of;
  return (
    <span className="jp-mlplat-Comparison-delta">
      {difference > 0 ? '+' : '−'}
      {formatNumber(Math.abs(difference))}
    </span>
  );
}
