import type { StepSettings } from '../api/types';

/** What the panel lets a user set for a step, as the form shows it: text where text is typed. */
export interface IStepForm {
  name: string;
  cpu: string;
  memory: string;
  gpu: string;
  cache: boolean;
  retries: string;
  timeout: string;
}

/** The field of a form that cannot be taken as it is. */
export type FormProblems = Partial<Record<keyof IStepForm, FormProblem>>;

export type FormProblem =
  | 'bad-name'
  | 'name-taken'
  | 'not-positive'
  | 'not-a-count'
  | 'not-gpus'
  | 'not-a-size';

/** Cell metadata `mlplat`, as the compiler reads it. */
export type StepMetadata = Record<string, string | number | boolean>;

/** Fill the form from what the compiler understood. */
export function formOf(name: string, settings: StepSettings): IStepForm {
  const { resources, retry } = settings;
  return {
    name,
    cpu: String(resources.cpu),
    memory:
      resources.memory_bytes === null ? '' : quantityOf(resources.memory_bytes),
    gpu: String(resources.gpu),
    cache: settings.cache,
    retries: String(retry.limit),
    timeout: settings.timeout_s === null ? '' : String(settings.timeout_s)
  };
}

/** Say which fields cannot be taken, before anything is written. */
export function check(
  form: IStepForm,
  taken: ReadonlySet<string>
): FormProblems {
  const problems: FormProblems = {};
  if (!NAME.test(form.name)) {
    problems.name = 'bad-name';
  } else if (taken.has(form.name)) {
    problems.name = 'name-taken';
  }
  if (!(Number(form.cpu) > 0)) {
    problems.cpu = 'not-positive';
  }
  if (form.memory.trim() !== '' && !QUANTITY.test(form.memory.trim())) {
    problems.memory = 'not-a-size';
  }
  if (!isGpus(form.gpu)) {
    problems.gpu = 'not-gpus';
  }
  if (!/^\d+$/.test(form.retries.trim())) {
    problems.retries = 'not-a-count';
  }
  if (form.timeout.trim() !== '' && !(Number(form.timeout) > 0)) {
    problems.timeout = 'not-positive';
  }
  return problems;
}

/** Whole devices, or a share of one. */
function isGpus(text: string): boolean {
  const gpus = text.trim() === '' ? NaN : Number(text);
  return Number.isInteger(gpus) ? gpus >= 0 : gpus >= 0.01 && gpus < 1;
}

/** Turn a checked form into metadata: only what differs from the defaults is written. */
export function metadataOf(form: IStepForm): StepMetadata {
  const metadata: StepMetadata = { step: form.name };
  const set = (
    key: string,
    value: string | number | boolean,
    standard: unknown
  ) => {
    if (value !== standard) {
      metadata[key] = value;
    }
  };
  set('cpu', Number(form.cpu), 1);
  set('memory', form.memory.trim(), '');
  set('gpu', Number(form.gpu), 0);
  set('cache', form.cache, true);
  set('retries', Number(form.retries), 0);
  if (form.timeout.trim() !== '') {
    metadata.timeout_s = Number(form.timeout);
  }
  return metadata;
}

/** A size in the largest binary unit that divides it, as Kubernetes writes it. */
export function quantityOf(bytes: number): string {
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10]
  ] as const) {
    if (bytes % size === 0) {
      return `${bytes / size}${unit}`;
    }
  }
  return String(bytes);
}

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const QUANTITY = /^\d+(\.\d+)?([kKMGT]i?)?$/;
