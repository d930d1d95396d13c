import type {
  JsonValue,
  Parameter,
  Retry,
  Schedule,
  ScheduleRequest,
  SchedulePatch
} from '../../api/types';

export type TriggerKind = NonNullable<ScheduleRequest['trigger']['kind']>;

/** What a user fills in for a schedule, as the form holds it: texts, read when they are used. */
export interface IScheduleDraft {
  /** The schedule that is changed; null for a new one. */
  schedule: string | null;
  name: string;

  /** Absolute path of a notebook or a KFP pipeline. */
  path: string;
  /** Run a notebook from top to bottom in one kernel, not as steps. */
  whole: boolean;

  /** Where; empty: as the engine's settings say. */
  runOn: string;
  note: string;
  kind: TriggerKind;
  cron: string;
  zone: string;
  every: string;
  everyUnit: keyof typeof UNITS;
  file: string;
  model: string;
  alias: string;
  artifact: string;
  pipeline: string;

  /** What stands in the fields of parameters; those that are not here keep their default. */
  parameters: Readonly<Record<string, string>>;
  table: string;
  start: string;
  end: string;
  catchUp: 'skip' | 'last' | 'all';
  catchUpLimit: string;
  overlap: 'skip' | 'queue' | 'cancel';
  atOnce: string;
  jitter: string;
  timeout: string;
  retries: string;
  keepRuns: string;
  webhook: string;

  /** What the form does not show, kept as it was. */
  base: Schedule | null;
}

export type DraftField = keyof IScheduleDraft | `parameters.${string}`;

/** What is wrong with a draft: words for the form, by field. */
export type DraftProblem =
  'missing' | 'name' | 'number' | 'time' | 'table' | 'value' | 'order';

export const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const;

/** Times people mean most, as five fields. */
export const PRESETS = {
  hourly: '0 * * * *',
  daily: '0 6 * * *',
  weekdays: '0 6 * * 1-5',
  weekly: '0 6 * * 1',
  monthly: '0 6 1 * *'
} as const;

/** How long is waited between tries, where nothing else was said. */
const RETRY: Retry = { limit: 0, backoff_s: 1, factor: 2, max_backoff_s: 300 };

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

/** Begin a draft with what is known. */
export function newDraft(path: string, zone: string): IScheduleDraft {
  return {
    schedule: null,
    name: nameOf(path),
    path,
    whole: path === '' || path.endsWith('.ipynb'),
    runOn: '',
    note: '',
    kind: 'cron',
    cron: PRESETS.daily,
    zone,
    every: '1',
    everyUnit: 'hours',
    file: '',
    model: '',
    alias: '',
    artifact: '',
    pipeline: '',
    parameters: {},
    table: '',
    start: '',
    end: '',
    catchUp: 'last',
    catchUpLimit: '10',
    overlap: 'skip',
    atOnce: '1',
    jitter: '0',
    timeout: '',
    retries: '0',
    keepRuns: '100',
    webhook: '',
    base: null
  };
}

/** Begin a draft that changes a schedule. */
export function draftOf(schedule: Schedule, zone: string): IScheduleDraft {
  const { trigger, work } = schedule;
  const draft = newDraft(work.path ?? '', zone);
  const every = trigger.kind === 'interval' ? trigger.every_s : 3600;
  const unit =
    every % UNITS.days === 0
      ? 'days'
      : every % UNITS.hours === 0
        ? 'hours'
        : 'minutes';
  return {
    ...draft,
    schedule: schedule.name,
    name: schedule.name,
    whole: work.whole === true,
    runOn: work.run_on ?? '',
    note: schedule.note ?? '',
    kind: trigger.kind ?? 'cron',
    cron: trigger.kind === 'cron' ? trigger.expression : draft.cron,
    zone: trigger.kind === 'cron' ? (trigger.time_zone ?? 'UTC') : zone,
    every: String(every / UNITS[unit]),
    everyUnit: unit,
    file: trigger.kind === 'file' ? trigger.path : '',
    model: trigger.kind === 'model' ? trigger.model : '',
    alias: trigger.kind === 'model' ? (trigger.alias ?? '') : '',
    artifact: trigger.kind === 'artifact' ? trigger.artifact : '',
    pipeline: trigger.kind === 'pipeline' ? trigger.pipeline : '',
    parameters: Object.fromEntries(
      Object.entries(work.parameters ?? {}).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value)
      ])
    ),
    table: tableText(schedule.table ?? []),
    start: localText(schedule.start),
    end: localText(schedule.end),
    catchUp: schedule.catch_up ?? 'last',
    catchUpLimit: String(schedule.catch_up_limit ?? 10),
    overlap: schedule.overlap ?? 'skip',
    atOnce: String(schedule.at_once ?? 1),
    jitter: String(schedule.jitter_s ?? 0),
    timeout: schedule.timeout_s ? String(schedule.timeout_s / 60) : '',
    retries: String(schedule.retry?.limit ?? 0),
    keepRuns: schedule.keep?.runs ? String(schedule.keep.runs) : '',
    webhook: schedule.notify?.[0]?.url ?? '',
    base: schedule
  };
}

/** What can be said to be wrong without asking the engine. */
export function problemsOf(
  draft: IScheduleDraft,
  parameters: readonly Parameter[]
): Partial<Record<DraftField, DraftProblem>> {
  const found: Partial<Record<DraftField, DraftProblem>> = {};
  const need = (...fields: (keyof IScheduleDraft)[]) =>
    fields.forEach(field => {
      if (String(draft[field]).trim() === '') {
        found[field] = 'missing';
      }
    });
  const number = (field: keyof IScheduleDraft, isNeeded = false) => {
    const text = String(draft[field]).trim();
    if (text === '' ? isNeeded : !(Number(text) >= 0)) {
      found[field] = 'number';
    }
  };
  need('name');
  if (draft.base === null || draft.base.work.path) {
    need('path'); // one made through KFP's API runs what was sent or stored there
  }
  if (!found.name && !NAME.test(draft.name)) {
    found.name = 'name';
  }
  switch (draft.kind) {
    case 'cron':
      need('cron', 'zone');
      break;
    case 'interval':
      if (!(Number(draft.every) * UNITS[draft.everyUnit] >= 1)) {
        found.every = 'number';
      }
      break;
    default:
      need(draft.kind);
  }
  (['catchUpLimit', 'atOnce', 'jitter', 'retries'] as const).forEach(field =>
    number(field, true)
  );
  number('timeout');
  number('keepRuns');
  for (const field of ['start', 'end'] as const) {
    if (draft[field] && Number.isNaN(Date.parse(draft[field]))) {
      found[field] = 'time';
    }
  }
  if (
    draft.start &&
    draft.end &&
    Date.parse(draft.end) <= Date.parse(draft.start)
  ) {
    found.end = 'order';
  }
  if (tableOf(draft.table) === null) {
    found.table = 'table';
  }
  for (const parameter of parameters) {
    const text = draft.parameters[parameter.name];
    if (text !== undefined && valueOf(parameter.type, text) === undefined) {
      found[`parameters.${parameter.name}`] = 'value';
    }
  }
  return found;
}

/** What to ask the engine for; the draft has no problem. */
export function requestOf(
  draft: IScheduleDraft,
  parameters: readonly Parameter[]
): ScheduleRequest {
  const { base } = draft;
  const types = new Map(parameters.map(({ name, type }) => [name, type]));
  const given = Object.entries(draft.parameters).map(([name, text]) => [
    name,
    valueOf(types.get(name) ?? 'any', text) ?? text
  ]);
  const first = base?.notify?.[0];
  const webhook = draft.webhook.trim();
  return {
    name: draft.name,
    note: draft.note,
    work: {
      ...base?.work,
      path: draft.path || null,
      whole: draft.whole && isNotebook(draft.path),
      ...(draft.runOn || base?.work.run_on
        ? { run_on: draft.runOn || null }
        : {}),
      parameters: Object.fromEntries(given) as Record<string, JsonValue>
    },
    trigger: triggerOf(draft),
    table: tableOf(draft.table) ?? [],
    start: isoOf(draft.start),
    end: isoOf(draft.end),
    catch_up: draft.catchUp,
    catch_up_limit: Number(draft.catchUpLimit),
    overlap: draft.overlap,
    at_once: Number(draft.atOnce),
    jitter_s: Number(draft.jitter),
    timeout_s: draft.timeout.trim() ? Number(draft.timeout) * 60 : null,
    retry: { ...RETRY, ...base?.retry, limit: Number(draft.retries) },
    keep: {
      ...base?.keep,
      runs: draft.keepRuns.trim() ? Number(draft.keepRuns) : null
    },
    notify: [
      ...(webhook ? [{ ...first, url: webhook }] : []),
      ...(base?.notify?.slice(1) ?? [])
    ]
  };
}

/** Whether a file can be run from top to bottom: a KFP pipeline cannot. */
export function isNotebook(path: string): boolean {
  return /\.(ipynb|py)$/.test(path);
}

/** The same as a change of a schedule that exists. */
export function patchOf(
  draft: IScheduleDraft,
  parameters: readonly Parameter[]
): SchedulePatch {
  // A schedule keeps its name, and whether it is paused.
  const patch: SchedulePatch & { name?: string } = requestOf(draft, parameters);
  delete patch.name;
  return patch;
}

function triggerOf(draft: IScheduleDraft): ScheduleRequest['trigger'] {
  const before = draft.base?.trigger;
  switch (draft.kind) {
    case 'cron':
      return {
        ...(before?.kind === 'cron' && before.expression === draft.cron.trim()
          ? before
          : {}),
        kind: 'cron',
        expression: draft.cron.trim(),
        time_zone: draft.zone.trim()
      };
    case 'interval':
      return {
        kind: 'interval',
        every_s: Number(draft.every) * UNITS[draft.everyUnit]
      };
    case 'file':
      return {
        ...(before?.kind === 'file' ? before : {}),
        kind: 'file',
        path: draft.file.trim()
      };
    case 'model':
      return {
        kind: 'model',
        model: draft.model.trim(),
        alias: draft.alias.trim() || null
      };
    case 'artifact':
      return {
        ...(before?.kind === 'artifact' ? before : {}),
        kind: 'artifact',
        artifact: draft.artifact.trim()
      };
    case 'pipeline':
      return { kind: 'pipeline', pipeline: draft.pipeline.trim() };
  }
}

/** Read the text of a parameter's field; undefined when it is no value of the type. */
export function valueOf(
  type: Parameter['type'],
  text: string
): JsonValue | undefined {
  if (type === 'str' || text.includes('{{')) {
    return text; // a template is filled in when it fires, and checked then
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return type === 'any' || type === 'none' ? text : undefined;
  }
  const isOk = {
    int: Number.isInteger(value),
    float: typeof value === 'number',
    bool: typeof value === 'boolean',
    list: Array.isArray(value),
    dict: typeof value === 'object' && value !== null && !Array.isArray(value),
    none: true,
    any: true
  }[type];
  return isOk ? value : undefined;
}

/** Read a table: names on the first line, then a line for each run. Null where it is none. */
export function tableOf(text: string): Record<string, JsonValue>[] | null {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  if (lines.length === 0) {
    return [];
  }
  const [names, ...rows] = lines.map(cells);
  if (
    rows.length === 0 ||
    names.some(name => name === '') ||
    rows.some(row => row.length !== names.length)
  ) {
    return null;
  }
  return rows.map(row =>
    Object.fromEntries(row.map((cell, index) => [names[index], plain(cell)]))
  );
}

/** Write a table as `tableOf` reads it. */
export function tableText(
  table: readonly Readonly<Record<string, JsonValue>>[]
): string {
  if (table.length === 0) {
    return '';
  }
  const names = Object.keys(table[0]);
  const quoted = (value: JsonValue | undefined) => {
    const text =
      typeof value === 'string' ? value : JSON.stringify(value ?? null);
    // A text that would be read as something else stays a text by its quotes.
    return /[",\n]/.test(text) ||
      (typeof value === 'string' && plain(text) !== text)
      ? `"${text.replace(/"/g, '""')}"`
      : text;
  };
  return [
    names.map(name => quoted(name)).join(','),
    ...table.map(row => names.map(name => quoted(row[name])).join(','))
  ].join('\n');
}

const QUOTED = '\u0000';

/** Split a line at its commas; what stood in quotes is marked. */
function cells(line: string): string[] {
  const found: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(,|$)/gy;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    found.push(
      match[1] === undefined
        ? match[2].trim()
        : QUOTED + match[1].replace(/""/g, '"')
    );
    if (match[3] === '') {
      break;
    }
  }
  return found;
}

/** A cell's value: JSON where it is that, else text. */
function plain(cell: string): JsonValue {
  const isQuoted = cell.startsWith(QUOTED);
  const text = isQuoted ? cell.slice(QUOTED.length) : cell;
  if (isQuoted && !/^[[{]/.test(text)) {
    return text;
  }
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** A name for the schedule of a file. */
function nameOf(path: string): string {
  const base = path.split('/').pop() ?? '';
  return base
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 50);
}

/** A moment as a `datetime-local` field has it, in the reader's zone. */
function localText(iso: string | null | undefined): string {
  if (!iso) {
    return '';
  }
  const at = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function isoOf(text: string): string | null {
  return text ? new Date(text).toISOString() : null;
}
