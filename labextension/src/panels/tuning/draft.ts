import type { ApiClient } from '../../api/client';
import type {
  Algorithm,
  JsonValue,
  Objective,
  Parameter,
  Run,
  SpaceParameter,
  TuneSpec
} from '../../api/types';
import { isCount, jobProblems, jobRequest, newJobDraft } from '../jobs/draft';
import type { IJobDraft, JobProblem } from '../jobs/draft';
import type { IJobKind } from '../jobs/form-model';
import { NEW_TRAIN, trainProblems, trainSpec } from '../training/draft';
import type { ITrainFields } from '../training/draft';

export type MetricKind = NonNullable<Objective['strategies']>[string];
export type SpaceType = SpaceParameter['type'];
export type Distribution = SpaceParameter['distribution'];

/** One dimension of the space, as the form holds it. */
export interface ISpaceDraft {
  name: string;
  type: SpaceType;
  minimum: string;
  maximum: string;
  step: string;
  distribution: Distribution;

  /** With commas between. */
  values: string;
}

/** What a user fills in for a tuning job. */
export interface ITuneDraft extends IJobDraft, ITrainFields {
  space: readonly ISpaceDraft[];
  metric: string;
  direction: 'maximize' | 'minimize';
  goal: string;

  /** Other metrics that are kept, with commas between. */
  additional: string;
  algorithm: string;
  settings: Readonly<Record<string, string>>;

  /** Name of the early stopping; empty: trials run to their end. */
  stopping: string;
  stoppingSettings: Readonly<Record<string, string>>;

  /** Empty: no limit. */
  trials: string;
  parallel: string;
  failures: string;

  /** How often a trial that fails is run again. */
  trialRetries: string;

  /** How long a trial may take, in minutes; empty: for ever. */
  trialMinutes: string;
  seed: string;
  collector: 'push' | 'stdout' | 'file' | 'tensorboard';
  collectorPath: string;
  collectorFormat: 'text' | 'json';

  /** Regular expressions with two groups, name and value: one a line. */
  patterns: string;

  /** Which of its values counts, by metric; those that are not here: the best of the direction. */
  strategies: Readonly<Record<string, MetricKind>>;

  /** Whether trials share one process, one after the other. */
  isInline: 'no' | 'yes';

  /** Whether each trial is a train job of many processes. */
  isTrain: 'no' | 'yes';

  /** Ids of earlier tuning jobs, with commas between. */
  warmStart: string;
}

/** What is wrong with a draft of a tuning job. */
export type TuneProblem =
  | JobProblem
  | 'identifier'
  | 'twice'
  | 'order'
  | 'positive'
  | 'step'
  | 'values'
  | 'pattern'
  | 'inline'
  | 'no-space';

export type TuneProblems = Partial<Record<string, TuneProblem>>;

export function newTuneDraft(given: Partial<ITuneDraft>): ITuneDraft {
  return {
    ...NEW_TRAIN,
    space: [],
    metric: '',
    direction: 'maximize',
    goal: '',
    additional: '',
    algorithm: 'tpe',
    settings: {},
    stopping: '',
    stoppingSettings: {},
    trials: '20',
    parallel: '2',
    failures: '',
    trialRetries: '0',
    trialMinutes: '',
    seed: '',
    collector: given.source === 'command' ? 'stdout' : 'push',
    collectorPath: '',
    collectorFormat: 'text',
    patterns: '',
    strategies: {},
    isInline: 'no',
    isTrain: 'no',
    warmStart: '',
    ...given,
    ...newJobDraft(given)
  };
}

const IDENTIFIER = /^[A-Za-z_][\w.-]*$/;

/** What can be said to be wrong without asking the engine. */
export function tuneProblems(
  draft: ITuneDraft,
  parameters: readonly Parameter[]
): TuneProblems {
  const tried = new Set(draft.space.map(({ name }) => name));
  const found: TuneProblems = jobProblems(
    draft,
    parameters.filter(({ name }) => !tried.has(name))
  );
  if (draft.space.length === 0) {
    found.space = 'no-space';
  }
  draft.space.forEach((dimension, index) => {
    for (const [field, problem] of Object.entries(
      dimensionProblems(dimension, draft.algorithm)
    )) {
      found[`space.${index}.${field}`] = problem;
    }
    if (draft.space.findIndex(other => other.name === dimension.name) < index) {
      found[`space.${index}.name`] = 'twice';
    }
  });
  if (draft.metric.trim() === '') {
    found.metric = 'missing';
  }
  if (draft.goal.trim() !== '' && !isNumber(draft.goal)) {
    found.goal = 'number';
  }
  for (const field of ['trials', 'failures', 'seed'] as const) {
    if (
      draft[field].trim() !== '' &&
      !isCount(draft[field], field === 'trials' ? 1 : 0)
    ) {
      found[field] = 'count';
    }
  }
  if (!isCount(draft.parallel, 1)) {
    found.parallel = 'count';
  }
  if (!isCount(draft.trialRetries, 0)) {
    found.trialRetries = 'count';
  }
  if (draft.trialMinutes.trim() !== '' && !(Number(draft.trialMinutes) > 0)) {
    found.trialMinutes = 'number';
  }
  if (
    ['file', 'tensorboard'].includes(draft.collector) &&
    draft.collectorPath.trim() === ''
  ) {
    found.collectorPath = 'missing';
  }
  if (readsLines(draft) && !lines(draft.patterns).every(isPattern)) {
    found.patterns = 'pattern';
  }
  if (draft.isInline === 'yes' && !canBeInline(draft)) {
    found.isInline = 'inline';
  }
  return draft.isTrain === 'yes'
    ? { ...found, ...trainProblems(draft) }
    : found;
}

/** The metrics whose strategy may be chosen: the objective and those that are kept beside it. */
export function metricsOf(draft: ITuneDraft): string[] {
  return [...new Set([draft.metric.trim(), ...words(draft.additional)])].filter(
    Boolean
  );
}

/** Whether metrics are looked for in lines of text, by patterns. */
export function readsLines(draft: ITuneDraft): boolean {
  return (
    (draft.collector === 'stdout' || draft.collector === 'file') &&
    draft.collectorFormat === 'text'
  );
}

/** Whether what is tried can do without a process of its own: cells can. */
export function canBeInline(draft: ITuneDraft): boolean {
  return (
    draft.isTrain === 'no' &&
    (draft.source === 'cell' ||
      (draft.source === 'notebook' && draft.step !== ''))
  );
}

/** Whether a regular expression has a group for the name and one for the value. */
function isPattern(text: string): boolean {
  try {
    // Python's names for groups and flags are no others to count them by.
    const groups = new RegExp(`${text.replaceAll('(?P<', '(?<')}|`).exec('');
    return groups !== null && groups.length > 2;
  } catch {
    return false;
  }
}

/** What is wrong with one dimension, by field. */
export function dimensionProblems(
  dimension: ISpaceDraft,
  algorithm: string
): Partial<Record<keyof ISpaceDraft, TuneProblem>> {
  const found: Partial<Record<keyof ISpaceDraft, TuneProblem>> = {};
  if (!IDENTIFIER.test(dimension.name)) {
    found.name = dimension.name === '' ? 'missing' : 'identifier';
  }
  if (dimension.type === 'discrete' || dimension.type === 'categorical') {
    const values = valuesOf(dimension);
    if (values.length === 0) {
      found.values = 'missing';
    } else if (
      dimension.type === 'discrete' &&
      !values.every(value => typeof value === 'number')
    ) {
      found.values = 'values';
    }
    return found;
  }
  for (const field of ['minimum', 'maximum'] as const) {
    const text = dimension[field];
    if (text.trim() === '') {
      found[field] = 'missing';
    } else if (
      !isNumber(text) ||
      (dimension.type === 'int' && !Number.isInteger(Number(text)))
    ) {
      found[field] = dimension.type === 'int' ? 'count' : 'number';
    }
  }
  const [low, high] = [Number(dimension.minimum), Number(dimension.maximum)];
  if (!found.minimum && !found.maximum) {
    if (low > high) {
      found.maximum = 'order';
    } else if (dimension.distribution.startsWith('log') && low <= 0) {
      found.minimum = 'positive';
    }
  }
  const step = dimension.step.trim();
  if (step === '') {
    if (algorithm === 'grid' && dimension.type === 'double') {
      found.step = 'step';
    }
  } else if (!(Number(step) > 0)) {
    found.step = 'number';
  }
  return found;
}

/** The values of a discrete or categorical dimension: numbers and truth values as such, else texts. */
export function valuesOf(dimension: ISpaceDraft): JsonValue[] {
  return dimension.values
    .split(',')
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(settingOf);
}

/** A dimension for a parameter of a notebook: a stretch about its default. */
export function dimensionFor(parameter: Parameter): ISpaceDraft {
  const { name, type, choices } = parameter;
  const value = parameter.default;
  const base: ISpaceDraft = {
    name,
    type: 'double',
    minimum: '',
    maximum: '',
    step: '',
    distribution: 'uniform',
    values: ''
  };
  const texts = (all: readonly JsonValue[]) =>
    all.map(one => (typeof one === 'string' ? one : JSON.stringify(one)));
  if (choices.length > 0) {
    return { ...base, type: 'categorical', values: texts(choices).join(', ') };
  }
  if (type === 'bool') {
    return { ...base, type: 'categorical', values: 'true, false' };
  }
  if (type === 'int' && typeof value === 'number') {
    return {
      ...base,
      type: 'int',
      minimum: String(value > 0 ? Math.max(1, Math.floor(value / 4)) : 0),
      maximum: String(Math.max(10, value * 4))
    };
  }
  if (type === 'float' && typeof value === 'number') {
    return value > 0 && value < 0.5
      ? {
          ...base,
          distribution: 'log-uniform',
          minimum: short(value / 100),
          maximum: short(Math.min(1, value * 100))
        }
      : { ...base, minimum: '0', maximum: short(Math.max(1, value * 2)) };
  }
  return {
    ...base,
    type: 'categorical',
    values: typeof value === 'string' ? value : ''
  };
}

/** Parameters that code without a notebook's parameters lets one try: numbers that it gives a name. */
export function namesIn(cell: string): Parameter[] {
  const line =
    /^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*([-+]?[\d.][\d.eE+-]*|True|False|"[^"\n]*"|'[^'\n]*')\s*(?:#.*)?$/gm;
  const found = new Map<string, Parameter>();
  for (const [, name, text] of cell.matchAll(line)) {
    const isNumberText = isNumber(text);
    const type = isNumberText
      ? /^[-+]?\d+$/.test(text)
        ? 'int'
        : 'float'
      : /^(True|False)$/.test(text)
        ? 'bool'
        : 'str';
    found.set(name, {
      name,
      type,
      default: isNumberText
        ? Number(text)
        : type === 'bool'
          ? text === 'True'
          : text.slice(1, -1),
      expression: text,
      help: '',
      is_required: false,
      choices: []
    });
  }
  return [...found.values()];
}

export function tuneSpec(draft: ITuneDraft): TuneSpec {
  const count = (text: string) => (text.trim() === '' ? null : Number(text));
  return {
    objective: {
      metric: draft.metric.trim(),
      goal: count(draft.goal),
      direction: draft.direction,
      additional: words(draft.additional),
      strategies: Object.fromEntries(
        metricsOf(draft)
          .filter(name => name in draft.strategies)
          .map(name => [name, draft.strategies[name]])
      )
    },
    space: draft.space.map(spaceOf),
    algorithm: algorithmOf(draft.algorithm, draft.settings),
    early_stopping:
      draft.stopping === ''
        ? null
        : algorithmOf(draft.stopping, draft.stoppingSettings),
    trials: count(draft.trials),
    parallel: Number(draft.parallel),
    failures: count(draft.failures),
    collector: {
      kind: draft.collector,
      path: draft.collectorPath.trim() || null,
      format: draft.collectorFormat,
      patterns: readsLines(draft) ? lines(draft.patterns) : []
    },
    resume: 'from-table',
    warm_start: words(draft.warmStart),
    train: draft.isTrain === 'yes' ? trainSpec(draft) : null,
    trial_retries: Number(draft.trialRetries),
    trial_timeout_s:
      draft.trialMinutes.trim() === '' ? null : Number(draft.trialMinutes) * 60,
    is_inline: draft.isInline === 'yes',
    seed: count(draft.seed)
  };
}

/** How tuning jobs are checked and begun. */
export const TUNE: IJobKind<ITuneDraft, TuneProblem> = {
  problemsOf: tuneProblems,
  submit: (
    client: ApiClient,
    draft: ITuneDraft,
    parameters: readonly Parameter[],
    headers: Record<string, string>
  ): Promise<Run> => {
    const tried = new Set(draft.space.map(({ name }) => name));
    const given = Object.entries(draft.parameters).filter(
      ([name]) => !tried.has(name)
    );
    const fixed = { ...draft, parameters: Object.fromEntries(given) };
    return client.call(
      'jobs.tune',
      {},
      { ...jobRequest(fixed, parameters), tune: tuneSpec(draft) },
      { headers }
    );
  }
};

function spaceOf(dimension: ISpaceDraft): SpaceParameter {
  const isListed =
    dimension.type === 'discrete' || dimension.type === 'categorical';
  const number = (text: string) =>
    isListed || text.trim() === '' ? null : Number(text);
  return {
    name: dimension.name,
    type: dimension.type,
    minimum: number(dimension.minimum),
    maximum: number(dimension.maximum),
    step: number(dimension.step),
    distribution: isListed ? 'uniform' : dimension.distribution,
    values: isListed ? valuesOf(dimension) : []
  };
}

function algorithmOf(
  name: string,
  settings: Readonly<Record<string, string>>
): Algorithm {
  return {
    name,
    settings: Object.fromEntries(
      Object.entries(settings)
        .filter(([, text]) => text.trim() !== '')
        .map(([key, text]): [string, JsonValue] => [key, settingOf(text)])
    )
  };
}

/** A text as what it says: a number, a truth value, or itself. */
function settingOf(text: string): JsonValue {
  const trimmed = text.trim();
  if (isNumber(trimmed)) {
    return Number(trimmed);
  }
  return /^(true|false)$/i.test(trimmed)
    ? trimmed.toLowerCase() === 'true'
    : trimmed.replace(/^(["'])(.*)\1$/, '$2');
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
}

function words(text: string): string[] {
  return text.split(/[,\s]+/).filter(Boolean);
}

/** As few digits as say it. */
function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
