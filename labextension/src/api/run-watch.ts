import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from './connection';
import type { EventStream } from './events';
import { Throttle } from './throttle';
import type {
  Event,
  Metric,
  OutputValue,
  Pipeline,
  Run,
  StepCell,
  Task
} from './types';
import { isFinal } from './states';

/** One run, kept current by the event stream, with the pipeline it ran and what came out of it. */
export class RunWatch implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    readonly id: string
  ) {
    this._refresh = new Throttle(() => this._load(), REFRESH_MS);
    this._curves = new Throttle(() => this._loadMetrics(), CURVES_MS);
    this._redraw = new Throttle(async () => this._changed.emit(), REFRESH_MS);
    _connection.events.received.connect(this._onEvent, this);
    _connection.reset.connect(this._onReset, this);
    this._refresh.request();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get run(): Run | null {
    return this._run && this._amendment
      ? { ...this._run, ...this._amendment }
      : this._run;
  }

  get pipeline(): Pipeline | null {
    return this._pipeline;
  }

  get metrics(): readonly Metric[] {
    this._shown ??= [...this._metrics];
    return this._shown;
  }

  get outputs(): readonly OutputValue[] {
    return this._outputs;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  task(step: string): Task | null {
    return this._run?.tasks.find(task => task.name === step) ?? null;
  }

  /** The source a cell had when this run took it. */
  sourceOf(cell: string): string | null {
    return this._find(cell)?.source ?? null;
  }

  /** Where a cell stood in the notebook when this run took it, from 0. */
  indexOf(cell: string): number | null {
    return this._find(cell)?.index ?? null;
  }

  /** Take a newer state at once, such as the answer to a command. */
  accept(run: Run): void {
    this._run = run;
    this._changed.emit();
    this._refresh.request();
  }

  /** Show the run otherwise until `settle`: what has been asked for is not yet so. */
  amend(change: Partial<Run>): void {
    this._amendment = { ...this._amendment, ...change };
    this._changed.emit();
  }

  /** Show the run as the engine has it. */
  async settle(): Promise<void> {
    await this._load();
    this._amendment = null;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._refresh.dispose();
    this._redraw.dispose();
    this._curves.dispose();
    this._connection.events.received.disconnect(this._onEvent, this);
    this._connection.reset.disconnect(this._onReset, this);
    Signal.clearData(this);
  }

  private _find(cell: string): StepCell | null {
    const cells = this._pipeline?.steps.flatMap(step => step.cells) ?? [];
    return cells.find(candidate => candidate.id === cell) ?? null;
  }

  private async _load(): Promise<void> {
    const { client } = this._connection;
    try {
      const run = await client.getRun(this.id);
      if (this._pipeline?.digest !== run.pipeline_digest) {
        this._pipeline = await client.getPipeline(this.id);
      }
      // Values come as steps end; metrics come by event, and what a step that starts anew had
      // logged goes: so both are worth asking for only when a step has ended or started.
      const progress = progressOf(run);
      if (progress !== this._progress) {
        const [outputs] = await Promise.all([
          client.listOutputs(this.id),
          this._readMetrics()
        ]);
        this._outputs = outputs;
        this._progress = progress;
      }
      this._run = run;
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private async _loadMetrics(): Promise<void> {
    try {
      await this._readMetrics();
      this._redraw.request();
    } catch {
      // What is known stays; the run itself tells that nobody answers.
    }
  }

  private async _readMetrics(): Promise<void> {
    this._since = [];
    const metrics = await this._connection.client.listMetrics(this.id);
    this._told = new Set(metrics.slice(-LOOK_BACK).map(keyOf));
    this._metrics = metrics;
    this._shown = null;
    this._since.splice(0).forEach(metric => this._addMetric(metric));
  }

  private _onEvent(_: EventStream, event: Event): void {
    const isOurs = event.subject === this.id || event.data.run_id === this.id;
    if (!isOurs || SILENT.has(event.kind)) {
      return;
    }
    if (event.kind === 'metric.logged' && Number(event.data.count ?? 1) > 1) {
      this._curves.request(); // it tells the last of several
    } else if (event.kind === 'metric.logged') {
      this._addMetric(event.data.metric as unknown as Metric);
    } else {
      this._refresh.request();
    }
  }

  private _addMetric(metric: Metric): void {
    // An answer that came in between may hold it already.
    const key = keyOf(metric);
    if (!this._told.has(key)) {
      this._told.add(key);
      this._metrics.push(metric);
      this._since.push(metric);
      this._shown = null;
      this._redraw.request();
    }
  }

  private _onReset(): void {
    this._progress = null;
    this._refresh.request();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private readonly _redraw: Throttle;
  private readonly _curves: Throttle;
  private _run: Run | null = null;
  private _amendment: Partial<Run> | null = null;
  private _pipeline: Pipeline | null = null;
  private _metrics: Metric[] = [];
  /** As they were when last looked at: thousands come in between. */
  private _shown: readonly Metric[] | null = null;
  /** What came by event since the last answer was asked for. */
  private _since: Metric[] = [];
  /** The end of what the last answer held, and what came since. */
  private _told = new Set<string>();
  private _outputs: OutputValue[] = [];
  private _error: unknown = null;
  private _progress: string | null = null;
  private _isDisposed = false;
}

/** A run of a hundred quick steps sends hundreds of events a second; the eye wants five. */
const REFRESH_MS = 200;

/** Curves that grow by many points at once are read anew. */
const CURVES_MS = 1000;

/** Changes whenever a step has started or ended. */
function progressOf(run: Run): string {
  return run.tasks
    .map(task => `${task.attempt}${isFinal(task.state) ? task.state : ''}`)
    .join();
}

function keyOf(metric: Metric): string {
  const { name, step, position, logged_at, value } = metric;
  return JSON.stringify([name, step, position, logged_at, value]);
}

/** Events that change nothing of what is kept here. */
const SILENT: ReadonlySet<string> = new Set(['log.appended', 'run.deleted']);

/** More metrics than come between an answer and the events that were on their way. */
const LOOK_BACK = 200;
