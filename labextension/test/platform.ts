import { Signal } from '@lumino/signaling';

import { ApiClient } from '../src/api/client';
import { Connection } from '../src/api/connection';
import { EventStream } from '../src/api/events';
import type {
  Event,
  Failure,
  JsonValue,
  Parameter,
  Pipeline,
  PlannedStep,
  Run,
  RunSummary,
  Step,
  Task
} from '../src/api/types';
import type { ICellChange } from '../src/notebook/reshaping';
import { merged } from '../src/notebook/source';
import type { INotebookSource } from '../src/notebook/source';

/** What the tests of a file have created and must be put away after each. */
const open: FakePlatform[] = [];

afterEach(() => {
  open.splice(0).forEach(platform => platform.events.dispose());
});

type Route = (request: { body: JsonValue; search: URLSearchParams }) => unknown;

/** An engine made of routes, with the connection to it and the requests it was sent. */
export class FakePlatform {
  readonly requests: { method: string; path: string; body: JsonValue }[] = [];
  readonly routes = new Map<string, Route>();
  readonly client = new ApiClient(async (path, init) => {
    const method = init.method ?? 'GET';
    const [name, query] = path.split('?');
    const body = JSON.parse(String(init.body ?? 'null')) as JsonValue;
    this.requests.push({ method, path: name, body });
    const route = this.routes.get(`${method} ${name}`);
    if (!route) {
      return new Response(`{"code":"not-found","message":"No ${name}."}`, {
        status: 404
      });
    }
    const answer = await route({ body, search: new URLSearchParams(query) });
    if (init.signal?.aborted) {
      throw new DOMException('aborted', 'AbortError');
    }
    return answer instanceof Response
      ? answer
      : new Response(JSON.stringify(answer));
  });

  readonly events = new EventStream({
    open: (_, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', reject))
  });

  readonly connection = new Connection(this.client, this.events);

  constructor() {
    open.push(this);
  }

  /** Let an event arrive as if the stream had brought it. */
  send(kind: string, subject: string, data: object): void {
    const event = { seq: ++this._seq, kind, subject, data, time: TIME };
    (this.events.received as Signal<EventStream, Event>).emit(event as Event);
  }

  private _seq = 0;
}

/** A notebook of code cells by id. */
export class FakeNotebook implements INotebookSource {
  constructor(private readonly _cells: Record<string, string>) {}

  readonly path = 'folder/churn.ipynb';
  readonly name = 'churn.ipynb';
  readonly ready = Promise.resolve();
  readonly contentChanged = new Signal<this, void>(this);
  saves = 0;

  readonly observedChanged = new Signal<this, void>(this);
  notes: Record<string, JsonValue> | null = null;

  observe(notes: Record<string, JsonValue>): void {
    this.notes = notes;
    this.observedChanged.emit();
  }

  observed() {
    return this.notes === null
      ? null
      : {
          ...this.snapshot(),
          metadata: { mlplat: { observed: this.notes } }
        };
  }

  edit(cell: string, source: string): void {
    this._cells[cell] = source;
    this.contentChanged.emit();
  }

  snapshot() {
    return {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: Object.entries(this._cells).map(([id, source]) => ({
        id,
        cell_type: 'code',
        source,
        metadata: {},
        execution_count: null,
        outputs: []
      }))
    };
  }

  sourceOf(cell: string): string | null {
    return this._cells[cell] ?? null;
  }

  readonly metadata = new Map<string, Record<string, JsonValue>>();

  metadataOf(cell: string): Record<string, JsonValue> {
    return this.metadata.get(cell) ?? {};
  }

  change(changes: readonly ICellChange[]): void {
    for (const { cell, set } of changes) {
      this.metadata.set(cell, merged(this.metadataOf(cell), set));
    }
    this.contentChanged.emit();
  }

  async save(): Promise<void> {
    this.saves += 1;
  }
}

export const TIME = '2026-11-20T12:00:00Z';

/** A parameter of a notebook, called `p` if nothing else is said. */
export function parameter(
  type: Parameter['type'],
  fields: Partial<Parameter> = {}
): Parameter {
  return {
    name: 'p',
    type,
    default: null,
    expression: '',
    help: '',
    choices: [],
    is_required: false,
    ...fields
  };
}

/** A document with the fields that the panel looks at; the engine sends more. */
function document<T>(fields: Partial<T>): T {
  return fields as T;
}

export function failure(fields: Partial<Failure>): Failure {
  return document<Failure>(fields);
}

export function step(name: string, cells: Record<string, string> = {}): Step {
  return document<Step>({
    name,
    title: name,
    cells: Object.entries(cells).map(([id, source], index) => ({
      id,
      index,
      source
    })),
    prelude: [],
    kept: [],
    volatile: [],
    binds: [],
    deletes: [],
    parameters: [],
    inputs: [],
    outputs: [],
    modules: [],
    after: [],
    settings: {
      resources: { cpu: 1, memory_bytes: null, gpu: 0 },
      retry: { limit: 0, backoff_s: 1, factor: 2, max_backoff_s: 300 },
      cache: true,
      timeout_s: null,
      kernel: null,
      python: null,
      env: {}
    },
    origin: 'cell',
    metrics: []
  });
}

export function pipeline(
  steps: Step[],
  rest: Partial<Pipeline> = {}
): Pipeline {
  return document<Pipeline>({
    name: 'churn',
    digest: 'sha256:1',
    notebook: '/srv/folder/churn.ipynb',
    language: 'python',
    kernel: 'python3',
    steps,
    edges: [],
    parameters: [],
    parameters_cell: null,
    problems: [],
    unknown: [],
    preload: [],
    notebook_metadata: {},
    ...rest
  });
}

export function task(name: string, rest: Partial<Task> = {}): Task {
  return document<Task>({
    name,
    title: name,
    state: 'PENDING',
    attempt: 0,
    cached: false,
    cache: null,
    started_at: null,
    finished_at: null,
    duration_s: null,
    failure: null,
    cells: [],
    waiting_for: null,
    executed_as: null,
    bundle: null,
    not_kept: {},
    gpus: [],
    first_attempt: 1,
    retry_at: null,
    kind: 'step',
    parent: null,
    path: [],
    needs: [],
    inputs: null,
    results: null,
    notes: [],
    ...rest
  });
}

/** What a run would do with a step that took two seconds last. */
export function planned(
  name: string,
  rest: Partial<PlannedStep> = {}
): PlannedStep {
  return {
    name,
    will: 'run',
    reason: 'why',
    run_id: null,
    run_number: null,
    stale: null,
    is_left: false,
    changed: [],
    last: {
      run_id: 'run-1',
      run_number: 1,
      finished_at: TIME,
      duration_s: 2
    },
    ...rest
  };
}

export function run(rest: Partial<Run> = {}): Run {
  return document<Run>({
    id: 'run-1',
    number: 1,
    pipeline: 'churn',
    pipeline_digest: 'sha256:1',
    notebook: '/srv/folder/churn.ipynb',
    experiment: 'default',
    state: 'RUNNING',
    parameters: {},
    created_at: TIME,
    started_at: TIME,
    finished_at: null,
    duration_s: null,
    failure: null,
    tasks: [],
    tags: {},
    retry_of: null,
    cache: true,
    until: null,
    ...rest
  });
}

export function summary(
  number: number,
  rest: Partial<RunSummary> = {}
): RunSummary {
  return document<RunSummary>({
    id: `run-${number}`,
    number,
    pipeline: 'churn',
    notebook: '/srv/folder/churn.ipynb',
    experiment: 'default',
    state: 'SUCCEEDED',
    created_at: TIME,
    started_at: TIME,
    finished_at: null,
    duration_s: null,
    tasks_total: 2,
    tasks_done: 0,
    tasks_cached: 0,
    failed_step: null,
    metrics: {},
    tags: {},
    note: '',
    title: '',
    archived: false,
    ...rest
  });
}

/** Wait until something holds; fail after ten seconds. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    if (Date.now() > deadline) {
      throw new Error(`Still not so after 10 s: ${isTrue}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
