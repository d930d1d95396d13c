import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type {
  Event,
  RetryRequest,
  RunState,
  RunSummary
} from '../../api/types';
import { RunDetailModel } from './detail-model';
import type { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';

/** Which runs the list shows. */
export interface IRunFilter {
  text: string;
  state: RunState | null;
}

/** The list of runs, live, and the one that is open. */
export class RunsModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this._search = new Debouncer(() => this._load(), SEARCH_DELAY_MS);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The list, the filter or the selection changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A run came to its end while we watched. */
  get finished(): ISignal<this, RunSummary> {
    return this._finished;
  }

  /** The runs that match the filter, newest first, as far as they are loaded. */
  get runs(): readonly RunSummary[] {
    return this._runs;
  }

  get filter(): IRunFilter {
    return this._filter;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  get error(): unknown {
    return this._error;
  }

  /** How many runs are not at their end, whatever the filter shows. */
  get activeCount(): number {
    return this._active.size;
  }

  /** The run that is open, in full. */
  get detail(): RunDetailModel | null {
    return this._detail;
  }

  get selected(): RunWatch | null {
    return this._detail?.watch ?? null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  setFilter(filter: Partial<IRunFilter>): void {
    this._filter = { ...this._filter, ...filter };
    this._changed.emit();
    void this._search.invoke();
  }

  /** Load the next page, once the list is scrolled to its end. */
  async loadMore(): Promise<void> {
    if (this._next !== null && !this._isLoading) {
      await this._load(this._next);
    }
  }

  /** Open a run; null goes back to the list. */
  open(id: string | null): void {
    if (id === (this._detail?.id ?? null)) {
      return;
    }
    this._detail?.dispose();
    this._detail = id === null ? null : new RunDetailModel(this.connection, id);
    this._detail?.changed.connect(this._onDetailChanged, this);
    this._changed.emit();
  }

  /** Show one step of the open run. */
  selectStep(step: string | null): void {
    this._detail?.selectStep(step);
  }

  async cancel(id: string): Promise<void> {
    const run = await this.connection.client.cancel(id);
    this._acceptIfSelected(id, run);
  }

  /** Go on with a run; with a path, with the notebook as it is there now. */
  async retry(id: string, request: Partial<RetryRequest> = {}): Promise<void> {
    const run = await this.connection.client.retry(id, request);
    this._acceptIfSelected(id, run);
  }

  async delete(id: string): Promise<void> {
    await this.connection.client.deleteRun(id);
    this._remove(id);
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._search.dispose();
    this._detail?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _load(before: string | null = null): Promise<void> {
    const turn = ++this._turn;
    this._isLoading = true;
    this._changed.emit();
    try {
      const page = await this.connection.client.listRuns({
        limit: PAGE,
        before,
        text: this._filter.text.trim(),
        state: this._filter.state
      });
      if (turn !== this._turn) {
        return;
      }
      this._runs = before === null ? page.runs : [...this._runs, ...page.runs];
      this._next = page.next;
      this._error = null;
      page.runs.forEach(run => this._count(run));
    } catch (error) {
      if (turn !== this._turn) {
        return;
      }
      this._error = error;
    }
    this._isLoading = false;
    this._changed.emit();
  }

  private _onReset(): void {
    this._active.clear();
    void this._load();
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'run.created':
      case 'run.updated':
        this._accept(event.data as unknown as RunSummary);
        break;
      case 'run.deleted':
        this._remove(event.subject);
        break;
    }
  }

  private _accept(run: RunSummary): void {
    const wasActive = this._active.has(run.id);
    this._count(run);
    if (wasActive && isFinal(run.state)) {
      this._finished.emit(run);
    }
    const isKnown = this._runs.some(known => known.id === run.id);
    if (!matches(run, this._filter)) {
      this._runs = this._runs.filter(known => known.id !== run.id);
    } else if (isKnown) {
      this._runs = this._runs.map(known => (known.id === run.id ? run : known));
    } else if (run.number > (this._runs[0]?.number ?? 0)) {
      this._runs = [run, ...this._runs];
    }
    this._changed.emit();
  }

  private _remove(id: string): void {
    this._active.delete(id);
    this._runs = this._runs.filter(run => run.id !== id);
    if (this._detail?.id === id) {
      this.open(null);
    }
    this._changed.emit();
  }

  private _count(run: RunSummary): void {
    if (isFinal(run.state)) {
      this._active.delete(run.id);
    } else {
      this._active.add(run.id);
    }
  }

  private _acceptIfSelected(
    id: string,
    run: Parameters<RunWatch['accept']>[0]
  ): void {
    if (this._detail?.id === id) {
      this._detail.watch.accept(run);
    }
  }

  private _onDetailChanged(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _finished = new Signal<this, RunSummary>(this);
  private readonly _search: Debouncer;
  private readonly _active = new Set<string>();
  private _runs: readonly RunSummary[] = [];
  private _filter: IRunFilter = { text: '', state: null };
  private _next: string | null = null;
  private _detail: RunDetailModel | null = null;
  private _error: unknown = null;
  private _turn = 0;
  private _isLoading = false;
  private _isDisposed = false;
}

/** Tell whether a filter lets a run through: the same test as the engine makes. */
export function matches(run: RunSummary, filter: IRunFilter): boolean {
  if (filter.state !== null && run.state !== filter.state) {
    return false;
  }
  const text = filter.text.trim().toLowerCase();
  return (
    text === '' ||
    [run.id, run.pipeline, run.experiment, run.notebook ?? ''].some(field =>
      field.toLowerCase().includes(text)
    )
  );
}

/** A page fills the tallest screen some four times over. */
const PAGE = 100;
const SEARCH_DELAY_MS = 200;
