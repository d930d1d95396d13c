import * as React from 'react';

import type { TuningStatus } from '../../api/types';
import { LineChart, LineControls, PLAIN } from '../../charts';
import { axisAbout } from '../../charts/axes';
import type { IAxis } from '../../charts/axes';
import { DotChart } from '../../charts/dots';
import type { IDot } from '../../charts/dots';
import { ParallelChart } from '../../charts/parallel';
import { useTrans } from '../../components/context';
import { stepColor } from '../../components/palette';
import {
  axesOf,
  bestSoFar,
  sharesOf,
  tellingOf,
  threadsOf,
  valueText
} from './facts';
import type { TuningWatch } from './watch';

interface IChartProps {
  watch: TuningWatch;
  status: TuningStatus;
  height: number;
}

/** The value of each trial, and the best so far. */
export function History(props: IChartProps): JSX.Element {
  const { watch, status } = props;
  const { trials } = watch;
  const { metric, direction } = status.spec.objective;
  const trans = useTrans();
  const drawn = React.useMemo(() => {
    const judged = trials.filter(({ value }) => value !== null);
    return {
      dots: judged.map((trial): IDot => ({
        id: String(trial.number),
        label: `#${trial.number}`,
        x: trial.number,
        y: trial.value as number,
        isFaint: trial.state !== 'Succeeded'
      })),
      steps: bestSoFar(trials, direction),
      xAxis: axisAbout(
        trans.__('trial'),
        judged.map(({ number }) => number)
      ),
      yAxis: axisAbout(
        metric,
        judged.map(({ value }) => value as number)
      )
    };
  }, [trials, direction, metric, trans]);
  return (
    <DotChart
      {...drawn}
      label={trans.__('%1 of each trial, and the best so far', metric)}
      height={props.height}
      selected={watch.selected ? String(watch.selected.number) : null}
      onSelect={id => watch.select(Number(id))}
    />
  );
}

/** All parameters and the objective, a line for each trial. */
export function Parallel(props: IChartProps): JSX.Element {
  const { watch, status } = props;
  const { trials } = watch;
  const { spec } = status;
  const trans = useTrans();
  const drawn = React.useMemo(
    () => ({ axes: axesOf(spec, trials), threads: threadsOf(spec, trials) }),
    [spec, trials]
  );
  return (
    <ParallelChart
      {...drawn}
      label={trans.__('Parameters and %1 of each trial', spec.objective.metric)}
      height={props.height + 60}
      selected={watch.selected ? String(watch.selected.number) : null}
      onSelect={id => watch.select(Number(id))}
    />
  );
}

/** How much of the differences each parameter explains. */
export function Importance(props: {
  importance: Readonly<Record<string, number>>;
}): JSX.Element {
  const trans = useTrans();
  return (
    <ul
      className="jp-mlplat-Importance"
      aria-label={trans.__('Importance of the parameters')}
      data-testid="mlplat-importance"
    >
      {sharesOf(props.importance).map(([name, share]) => (
        <li key={name}>
          <span className="jp-mlplat-Importance-name" title={name}>
            {name}
          </span>
          <span className="jp-mlplat-Importance-bar">
            <span style={{ width: `${100 * Math.max(0, share)}%` }} />
          </span>
          <span className="jp-mlplat-Importance-share">
            {trans.__('%1 %', Math.round(100 * share))}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The objective over each parameter. */
export function Slices(props: IChartProps): JSX.Element {
  const { watch, status } = props;
  const { trials } = watch;
  const { spec } = status;
  const trans = useTrans();
  const charts = React.useMemo(() => {
    const judged = trials.filter(({ value }) => value !== null);
    const yAxis = axisAbout(
      spec.objective.metric,
      judged.map(({ value }) => value as number)
    );
    return axesOf(spec, trials)
      .slice(0, -1)
      .map((axis, index) => ({
        axis,
        yAxis,
        dots: judged.flatMap((trial): IDot[] => {
          const value = trial.parameters[spec.space[index].name];
          return value === undefined || value === null
            ? []
            : [
                {
                  id: String(trial.number),
                  label: `#${trial.number}`,
                  x: axis.kind === 'word' ? valueText(value) : Number(value),
                  y: trial.value as number,
                  isFaint: trial.state !== 'Succeeded'
                }
              ];
        })
      }));
  }, [spec, trials]);
  return (
    <div className="jp-mlplat-Curves-charts">
      {charts.map(({ axis, yAxis, dots }) => (
        <div key={axis.id} className="jp-mlplat-Curves-chart">
          <DotChart
            label={trans.__('%1 over %2', spec.objective.metric, axis.label)}
            xAxis={spread(axis)}
            yAxis={yAxis}
            dots={dots}
            height={props.height}
            selected={watch.selected ? String(watch.selected.number) : null}
            onSelect={id => watch.select(Number(id))}
          />
        </div>
      ))}
    </div>
  );
}

/** What a few trials told while they ran: those that run, the best, and the one that is open. */
export function Reports(props: IChartProps): JSX.Element {
  const { watch, status } = props;
  const { trials } = watch;
  const { metric, direction } = status.spec.objective;
  const trans = useTrans();
  const [options, setOptions] = React.useState(PLAIN);
  const shown = React.useMemo(
    () => tellingOf(trials, direction, watch.selected?.number ?? null),
    [trials, direction, watch.selected?.number]
  );
  const key = shown.join();
  React.useEffect(() => {
    watch.wantCurves(shown);
    return () => watch.wantCurves([]);
    // The numbers are what counts, not the list that holds them.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [watch, key]);
  const series = shown.flatMap((number, index) => {
    const reports =
      watch.detailOf(number)?.reports.filter(({ name }) => name === metric) ??
      [];
    return reports.length < 2
      ? []
      : [
          {
            id: String(number),
            label: `#${number}`,
            color: stepColor(index),
            points: reports.map(
              ({ position, value }, order): readonly [number, number] => [
                position ?? order,
                value
              ]
            )
          }
        ];
  });
  return series.length === 0 ? (
    <p className="jp-mlplat-Hint">
      {trans.__(
        'No trial has told %1 more than once. Code tells by mlplat.train.report(step, {…}).',
        metric
      )}
    </p>
  ) : (
    <>
      <LineControls options={options} onChange={setOptions} />
      <LineChart
        label={trans.__('%1 of some trials while they ran', metric)}
        series={series}
        options={options}
        height={props.height}
      />
    </>
  );
}

/** A little room on both sides, so that no dot is cut. */
function spread(axis: IAxis): IAxis {
  if (axis.kind === 'word' || axis.isLog) {
    return axis;
  }
  const room = (axis.high - axis.low) * 0.03;
  return { ...axis, low: axis.low - room, high: axis.high + room };
}
