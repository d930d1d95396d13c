import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import type {
  CloneRequest,
  Event,
  RetryRequest,
  Run,
  RunFacets,
  RunPatch,
  RunSummary
} from '../../api/types';
import { RunDetailModel } from './detail-model';
import { RunPages } from './pages';
import { ALL_RUNS } from './query';
import type { IRunFilter } from './query';

/** The list of runs, live, what is chosen in it, and the run that is open. */
export class RunsModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this.pages = new RunPages(connection.client);
    this._search = new Debouncer(
      () => this.pages.show(this._filter),
      SEARCH_DELAY_MS
    );
    this._facetsLoad = new Debouncer(() => this._loadFacets(), FACETS_DELAY_MS);
    this.pages.changed.connect(this._onPagesChanged, this);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The runs that match the filter, as far as they are here. */
  readonly pages: RunPages;

  /** The list, the filter, the choice or the open run changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A run came to its end while we watched. */
  get finished(): ISignal<this, RunSummary> {
    return this._finished;
  }

  get filter(): IRunFilter {
    return this._filter;
  }

  /** What runs can be told apart by; null until it is known. */
  get facets(): RunFacets | null {
    return this._facets;
  }

  /** How many runs are not at their end, whatever the filter shows. */
  get activeCount(): number {
    return this._active.size;
  }

  /** Whether runs are being chosen, to compare or delete them. */
  get isChoosing(): boolean {
    return this._isChoosing;
  }

  /** The chosen runs by id, in the order they were chosen. */
  get chosen(): ReadonlyMap<string, RunSummary> {
    return this._chosen;
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

  /** Begin or end choosing; nothing is chosen then. */
  setChoosing(isChoosing: boolean): void {
    this._isChoosing = isChoosing;
    this._chosen.clear();
    this._anchor = null;
    this._changed.emit();
  }

  /** Choose the run at a place of the list, or let it go. */
  choose(index: number): void {
    const run = this.pages.at(index);
    if (run === undefined) {
      return;
    }
    this._isChoosing = true;
    this._anchor = index;
    if (!this._chosen.delete(run.id)) {
      this._chosen.set(run.id, run);
    }
    this._changed.emit();
  }

  /** Choose all from where the last choice was made up to a place. */
  async chooseTo(index: number): Promise<void> {
    const from = this._anchor ?? index;
    await this.chooseStretch(Math.min(from, index), Math.max(from, index));
  }

  async chooseStretch(first: number, last: number): Promise<void> {
    const runs = await this.pages.stretch(first, last);
    this._isChoosing = true;
    runs.forEach(run => this._chosen.set(run.id, run));
    this._changed.emit();
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

  /** Let a run wait, or go on. */
  async pause(id: string, isPaused: boolean): Promise<void> {
    const route = isPaused ? 'runs.pause' : 'runs.resume';
    const run = await this.connection.client.call(route, { run: id });
    this._acceptIfSelected(id, run);
  }

  /** Go on with a run; with a path, with the notebook as it is there now. */
  async retry(id: string, request: Partial<RetryRequest> = {}): Promise<void> {
    const run = await this.connection.client.retry(id, request);
    this._acceptIfSelected(id, run);
  }

  /** Begin a new run of the code that a run had. */
  clone(id: string, request: CloneRequest, key: string): Promise<Run> {
    const headers = { 'Idempotency-Key': key };
    return this.connection.client.call('runs.clone', { run: id }, request, {
      headers
    });
  }

  /** Change a run's note or tags: at once to the eye; back again if the engine refuses. */
  async update(id: string, patch: RunPatch): Promise<void> {
    const watch = this._detail?.id === id ? this._detail.watch : null;
    const known = watch?.run ?? this.pages.find(id);
    const change = known ? patched(known, patch) : {};
    const before = this.pages.amend(id, change);
    watch?.amend(change);
    try {
      await this.connection.client.call('runs.update', { run: id }, patch);
    } catch (error) {
      if (before) {
        this.pages.amend(id, before);
      }
      throw error;
    } finally {
      await watch?.settle();
    }
    void this._facetsLoad.invoke();
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
    this._facetsLoad.dispose();
    this.pages.dispose();
    this._detail?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _onReset(): void {
    this._active.clear();
    void this.pages.show(this._filter).then(() => this._countActive());
    void this._facetsLoad.invoke();
  }

  /** Learn which runs go on, wherever in the list they are. */
  private async _countActive(): Promise<void> {
    try {
      const query = { state: 'PENDING,RUNNING,CANCELING,PAUSED', limit: 1000 };
      const page = await this.connection.client.call(
        'runs.list',
        {},
        undefined,
        { query }
      );
      page.runs.forEach(run => this._count(run));
      this._changed.emit();
    } catch {
      // The list itself tells the user that the engine does not answer.
    }
  }

  private async _loadFacets(): Promise<void> {
    try {
      this._facets = await this.connection.client.call('runs.facets', {});
      this._changed.emit();
    } catch {
      // Menus stay as they were; the list tells the user that the engine does not answer.
    }
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
      case 'experiment.updated': // its runs may have been put away with it
        void this._search.invoke();
        void this._facetsLoad.invoke();
        break;
    }
  }

  private _accept(run: RunSummary): void {
    const wasActive = this._active.has(run.id);
    this._count(run);
    if (wasActive && isFinal(run.state)) {
      this._finished.emit(run);
      void this._facetsLoad.invoke();
    }
    if (this._chosen.has(run.id)) {
      this._chosen.set(run.id, run);
    }
    this.pages.accept(run);
  }

  private _remove(id: string): void {
    this._active.delete(id);
    this._chosen.delete(id);
    this.pages.remove(id);
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

  private _acceptIfSelected(id: string, run: Run): void {
    if (this._detail?.id === id) {
      this._detail.watch.accept(run);
    }
  }

  private _onDetailChanged(): void {
    this._changed.emit();
  }

  private _onPagesChanged(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _finished = new Signal<this, RunSummary>(this);
  private readonly _search: Debouncer;
  private readonly _facetsLoad: Debouncer;
  private readonly _active = new Set<string>();
  private readonly _chosen = new Map<string, RunSummary>();
  private _filter = ALL_RUNS;
  private _facets: RunFacets | null = null;
  private _detail: RunDetailModel | null = null;
  private _anchor: number | null = null;
  private _isChoosing = false;
  private _isDisposed = false;
}

/** What people say of a run after a change of it. */
export function patched(
  run: Pick<Run, Said>,
  patch: RunPatch
): Pick<Run, Said> {
  const tags = Object.entries({ ...run.tags, ...patch.tags }).filter(
    (tag): tag is [string, string] => typeof tag[1] === 'string'
  );
  return {
    note: patch.note ?? run.note,
    tags: Object.fromEntries(tags),
    experiment: patch.experiment ?? run.experiment,
    archived: patch.archived ?? run.archived
  };
}

/** What people say of a run. */
type Said = 'tags' | 'note' | 'experiment' | 'archived';

const SEARCH_DELAY_MS = 200;
const FACETS_DELAY_MS = 1000;
