import type {
  JobRequest,
  JsonValue,
  Parameter,
  Payload
} from '../../api/types';
import { valueOf } from '../schedules/draft';

/** What a job runs. */
export type JobSource = 'notebook' | 'cell' | 'command';

/** What a user fills in for any job, as the form holds it: texts, read when they are used. */
export interface IJobDraft {
  source: JobSource;

  /** Absolute path of a notebook or a script. */
  path: string;

  /** Only this step of the notebook, and what it needs; empty: all of it. */
  step: string;

  /** Source of one cell. */
  cell: string;

  /** A program and its arguments, as one types them. */
  command: string;

  /** Where a cell or a command runs; the folder of the notebook that was open. */
  folder: string;
  name: string;

  /** Where; empty: as the engine's settings say. */
  runOn: string;
  experiment: string;

  /** What stands in the fields of parameters; those that are not here keep their default. */
  parameters: Readonly<Record<string, string>>;
  cpu: string;
  memory: string;
  gpu: string;

  /** Lines NAME=value. */
  env: string;
  retries: string;

  /** In minutes. */
  deadline: string;
  note: string;
}

/** What is wrong with a draft: words for the form, by field. */
export type JobProblem =
  | 'missing'
  | 'name'
  | 'number'
  | 'count'
  | 'memory'
  | 'env'
  | 'quote'
  | 'value';

export type JobProblems = Partial<Record<string, JobProblem>>;

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const MEMORY = /^\d+(\.\d+)?\s*([kmgt]i?b?|b)?$/i;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Begin a draft with what is known: the open notebook and its active cell. */
export function newJobDraft(given: Partial<IJobDraft>): IJobDraft {
  const path = given.path ?? '';
  return {
    source: given.command ? 'command' : 'notebook',
    path,
    step: '',
    cell: '',
    command: '',
    folder: path.split('/').slice(0, -1).join('/'),
    name: jobNameOf(path) || 'job',
    runOn: '',
    experiment: 'default',
    parameters: {},
    cpu: '',
    memory: '',
    gpu: '',
    env: '',
    retries: '0',
    deadline: '',
    note: '',
    ...given
  };
}

/** What can be said to be wrong without asking the engine. */
export function jobProblems(
  draft: IJobDraft,
  parameters: readonly Parameter[]
): JobProblems {
  const found: JobProblems = {};
  const field = { notebook: 'path', cell: 'cell', command: 'command' } as const;
  const content = field[draft.source];
  if (draft[content].trim() === '') {
    found[content] = 'missing';
  } else if (
    draft.source === 'command' &&
    splitCommand(draft.command) === null
  ) {
    found.command = 'quote';
  }
  if (!NAME.test(draft.name)) {
    found.name = draft.name === '' ? 'missing' : 'name';
  }
  if (!NAME.test(draft.experiment)) {
    found.experiment = draft.experiment === '' ? 'missing' : 'name';
  }
  for (const name of ['cpu', 'gpu', 'deadline'] as const) {
    const text = draft[name].trim();
    const isOk = name === 'gpu' ? Number(text) >= 0 : Number(text) > 0;
    if (text !== '' && !isOk) {
      found[name] = 'number';
    }
  }
  if (!isCount(draft.retries, 0)) {
    found.retries = 'count';
  }
  if (draft.memory.trim() !== '' && !MEMORY.test(draft.memory.trim())) {
    found.memory = 'memory';
  }
  if (readEnv(draft.env) === null) {
    found.env = 'env';
  }
  for (const parameter of draft.source === 'notebook' ? parameters : []) {
    const text = draft.parameters[parameter.name];
    if (text !== undefined && valueOf(parameter.type, text) === undefined) {
      found[`parameters.${parameter.name}`] = 'value';
    }
  }
  return found;
}

/** What is common to the requests of all jobs; the draft has no problem. */
export function jobRequest(
  draft: IJobDraft,
  parameters: readonly Parameter[]
): JobRequest {
  const number = (text: string) => (text.trim() === '' ? null : Number(text));
  const minutes = number(draft.deadline);
  return {
    payload: payloadOf(draft, parameters),
    name: draft.name,
    experiment: draft.experiment,
    note: draft.note,
    cpu: number(draft.cpu),
    memory: draft.memory.trim() || null,
    gpu: number(draft.gpu),
    ...(draft.runOn ? { run_on: draft.runOn } : {}),
    env: readEnv(draft.env) ?? {},
    retries: Number(draft.retries),
    timeout_s: minutes === null ? null : minutes * 60
  };
}

function payloadOf(
  draft: IJobDraft,
  parameters: readonly Parameter[]
): Payload {
  const types = new Map(parameters.map(({ name, type }) => [name, type]));
  const cwd = draft.folder || null;
  switch (draft.source) {
    case 'cell':
      return { cell: draft.cell, cwd };
    case 'command':
      return { command: splitCommand(draft.command) ?? [], cwd };
    case 'notebook':
      return {
        notebook: draft.path,
        step: draft.step || null,
        arguments: Object.fromEntries(
          Object.entries(draft.parameters).map(
            ([name, text]): [string, JsonValue] => [
              name,
              valueOf(types.get(name) ?? 'any', text) ?? text
            ]
          )
        )
      };
  }
}

/** Whether a text is a whole number of at least so much. */
export function isCount(text: string, least: number): boolean {
  return /^\d+$/.test(text.trim()) && Number(text) >= least;
}

/** Read lines NAME=value; null where one is none. */
export function readEnv(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const pairs = lines.map((line): [string, string] => {
    const [name, ...rest] = line.split('=');
    return [rest.length > 0 ? name.trim() : '', rest.join('=').trim()];
  });
  return pairs.every(([name]) => VARIABLE.test(name))
    ? Object.fromEntries(pairs)
    : null;
}

/** Split a command into its words as a shell does, without its other powers; null: a quote has no end. */
export function splitCommand(text: string): string[] | null {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gsy;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    words.push(
      match[1].replace(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
        (_, single?: string, double?: string, one?: string) =>
          single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? one ?? ''
      )
    );
  }
  return text.slice(end).trim() === '' ? words : null;
}

/** A name for the job of a file. */
export function jobNameOf(path: string): string {
  const base = path.split('/').pop() ?? '';
  return base
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, 50)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
