import type {
  Artifact,
  JsonValue,
  SpaceParameter,
  Trial,
  TrialState,
  TuneSpec
} from '../../api/types';
import type { AnyState } from '../../api/states';
import { formatNumber } from '../../components/format';
import type { IAxis, IThread } from '../../charts/axes';

export type Direction = TuneSpec['objective']['direction'];

/** A trial's state as one of a run's, for its mark. */
export function markOf(state: TrialState): AnyState {
  switch (state) {
    case 'Pending':
      return 'PENDING';
    case 'Running':
      return 'RUNNING';
    case 'Succeeded':
      return 'SUCCEEDED';
    case 'Failed':
    case 'MetricsUnavailable':
      return 'FAILED';
    case 'EarlyStopped':
      return 'SKIPPED';
    case 'Killed':
      return 'CANCELED';
  }
}

/** Whether nothing more will come of a trial. */
export function isOver(state: TrialState): boolean {
  return state !== 'Pending' && state !== 'Running';
}

/** Whether one value is better than another. */
export function isBetter(
  value: number,
  than: number,
  direction: Direction
): boolean {
  return direction === 'maximize' ? value > than : value < than;
}

/** The best of those trials that ran to their end. */
export function bestOf(
  trials: readonly Trial[],
  direction: Direction
): Trial | null {
  let best: Trial | null = null;
  for (const trial of trials) {
    if (
      trial.state === 'Succeeded' &&
      trial.value !== null &&
      (best === null || isBetter(trial.value, best.value as number, direction))
    ) {
      best = trial;
    }
  }
  return best;
}

/** The best value after each trial that had one, by number. */
export function bestSoFar(
  trials: readonly Trial[],
  direction: Direction
): [number, number][] {
  const steps: [number, number][] = [];
  let best: number | null = null;
  for (const { number, state, value } of trials) {
    if (state === 'Succeeded' && value !== null) {
      if (best === null || isBetter(value, best, direction)) {
        best = value;
      }
      steps.push([number, best]);
    }
  }
  return steps;
}

/** What a table of trials is sorted by: a column's id. */
export type TrialColumn =
  | 'number'
  | 'state'
  | 'value'
  | 'duration'
  | `parameter:${string}`
  | `metric:${string}`;

/** What a trial has in a column. */
export function cellOf(
  trial: Trial,
  column: TrialColumn
): JsonValue | undefined {
  switch (column) {
    case 'number':
      return trial.number;
    case 'state':
      return trial.state;
    case 'value':
      return trial.value;
    case 'duration':
      return trial.duration_s;
  }
  return column.startsWith('metric:')
    ? trial.metrics[column.slice('metric:'.length)]?.latest
    : trial.parameters[column.slice('parameter:'.length)];
}

/** A value of a trial for people. */
export function valueText(value: JsonValue | undefined): string {
  return value === null || value === undefined
    ? '–'
    : typeof value === 'number'
      ? formatNumber(value)
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
}

/** Put trials in the order of a column; those without a value come last either way. */
export function sorted(
  trials: readonly Trial[],
  column: TrialColumn,
  isDescending: boolean
): readonly Trial[] {
  const sign = isDescending ? -1 : 1;
  const keyed = trials.map(trial => [trial, cellOf(trial, column)] as const);
  keyed.sort(([a, left], [b, right]) => {
    const [hasLeft, hasRight] = [isThere(left), isThere(right)];
    if (!hasLeft || !hasRight) {
      return Number(hasRight) - Number(hasLeft) || a.number - b.number;
    }
    const order =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : String(left).localeCompare(String(right));
    return sign * order || a.number - b.number;
  });
  return keyed.map(([trial]) => trial);
}

function isThere(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null;
}

/** Those trials that are in a state, if any is asked for, and hold a text anywhere. */
export function filtered(
  trials: readonly Trial[],
  state: TrialState | '',
  text: string
): readonly Trial[] {
  const wanted = text.trim().toLowerCase();
  return state === '' && wanted === ''
    ? trials
    : trials.filter(
        trial =>
          (state === '' || trial.state === state) &&
          (wanted === '' || wordsOf(trial).includes(wanted))
      );
}

function wordsOf(trial: Trial): string {
  const parameters = Object.entries(trial.parameters).map(
    ([name, value]) => `${name}=${valueText(value)}`
  );
  return [`#${trial.number}`, ...parameters, trial.failure ?? '']
    .join('\n')
    .toLowerCase();
}

/** The axes of a parallel drawing of a space, the objective last. */
export function axesOf(spec: TuneSpec, trials: readonly Trial[]): IAxis[] {
  const values = trials.flatMap(({ value }) => (value === null ? [] : [value]));
  return [
    ...spec.space.map(axisOf),
    {
      id: 'value',
      label: spec.objective.metric,
      kind: 'number',
      isLog: false,
      low: values.length > 0 ? Math.min(...values) : 0,
      high: values.length > 0 ? Math.max(...values) : 1
    }
  ];
}

function axisOf(parameter: SpaceParameter): IAxis {
  const { name, type, minimum, maximum, values } = parameter;
  if (type === 'categorical') {
    return {
      id: name,
      label: name,
      kind: 'word',
      words: values.map(valueText)
    };
  }
  const numbers = values.filter(value => typeof value === 'number');
  return {
    id: name,
    label: name,
    kind: 'number',
    isLog: parameter.distribution === 'log-uniform' && (minimum ?? 0) > 0,
    low: minimum ?? Math.min(...numbers),
    high: maximum ?? Math.max(...numbers)
  };
}

/** The trials that have a value, as threads over those axes: the better, the stronger. */
export function threadsOf(spec: TuneSpec, trials: readonly Trial[]): IThread[] {
  const judged = trials.filter(({ value }) => value !== null);
  const values = judged
    .map(({ value }) => value as number)
    .sort((a, b) => a - b);
  const rank = new Map(values.map((value, index) => [value, index]));
  const last = Math.max(1, values.length - 1);
  return judged.map(trial => {
    const place = (rank.get(trial.value as number) ?? 0) / last;
    return {
      id: String(trial.number),
      label: `#${trial.number}`,
      values: [
        ...spec.space.map(({ name, type }) => {
          const value = trial.parameters[name];
          return type === 'categorical'
            ? valueText(value)
            : typeof value === 'number'
              ? value
              : null;
        }),
        trial.value
      ],
      score: spec.objective.direction === 'maximize' ? place : 1 - place
    };
  });
}

/** Shares of the parameters, the greatest first. */
export function sharesOf(
  importance: Readonly<Record<string, number>>
): [string, number][] {
  return Object.entries(importance).sort(([, a], [, b]) => b - a);
}

/** Whether an artifact is a model that can be registered. */
export function isModel({ type }: Artifact): boolean {
  return type === 'system.Model';
}

/** The numbers of those trials whose course says most. */
export function tellingOf(
  trials: readonly Trial[],
  direction: 'maximize' | 'minimize',
  selected: number | null
): number[] {
  const running = trials
    .filter(({ state }) => state === 'Running')
    .slice(0, SHOWN_RUNNING);
  const best = trials
    .filter(({ state, value }) => state === 'Succeeded' && value !== null)
    .sort((a, b) =>
      isBetter(a.value as number, b.value as number, direction) ? -1 : 1
    )
    .slice(0, SHOWN_BEST);
  const numbers = [...best, ...running].map(({ number }) => number);
  return [...new Set(selected === null ? numbers : [selected, ...numbers])];
}

const SHOWN_RUNNING = 3;
const SHOWN_BEST = 5;
