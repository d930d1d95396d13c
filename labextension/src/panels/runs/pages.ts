import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import type { RunSummary } from '../../api/types';
import { ALL_RUNS, isNarrow, matches, sortValue, toQuery } from './query';
import type { IRunFilter } from './query';

/**
 * A list of runs of any length, of which only pieces are here: those somebody has looked at. What the
 * event stream tells is worked in row by row; where that would need guessing, the piece in sight is
 * loaded again.
 */
export class RunPages implements IDisposable {
  /** @param _kind - Only runs of this kind; any by default. */
  constructor(
    private readonly _client: ApiClient,
    private readonly _kind: RunSummary['kind'] | null = null
  ) {
    this._refresh = new Debouncer(() => this._load(this._first), REFRESH_MS);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many runs the filter lets through. */
  get total(): number {
    return this._total;
  }

  get filter(): IRunFilter {
    return this._filter;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The run at a place of the list, if it is here. */
  at(index: number): RunSummary | undefined {
    return this._rows[index];
  }

  find(id: string): RunSummary | undefined {
    return this._rows.find(run => run?.id === id);
  }

  /** Where in the list a run is that is here; -1: it is not. */
  placeOf(id: string): number {
    return this._rows.findIndex(run => run?.id === id);
  }

  /** Those runs that are here, in order. */
  get loaded(): RunSummary[] {
    return this._rows.filter(run => run !== undefined);
  }

  /** Show other runs, from the first on. */
  show(filter: IRunFilter): Promise<void> {
    this._filter = filter;
    return this._load(0);
  }

  /** Say which rows are in sight, so that they are loaded. */
  see(first: number, last: number): void {
    this._first = first;
    this._last = last;
    void this._fill();
  }

  /** Load a stretch of the list, whether it is in sight or not. */
  async stretch(first: number, last: number): Promise<RunSummary[]> {
    for (let at = first; at <= last && at < this._total; at++) {
      if (this._rows[at] === undefined) {
        const version = this._version;
        const page = await this._ask(at, LARGEST);
        if (version === this._version) {
          this._put(at, page.runs);
        }
      }
    }
    return this._rows.slice(first, last + 1).filter(run => run !== undefined);
  }

  /** Work in the state of a run. */
  accept(run: RunSummary): void {
    const index = this._rows.findIndex(known => known?.id === run.id);
    const known = this._rows[index];
    const isShown = matches(run, this._filter);
    if (known && isShown) {
      const { sort } = this._filter;
      this._rows[index] = run;
      if (sortValue(known, sort) !== sortValue(run, sort)) {
        void this._refresh.invoke();
      }
    } else if (known) {
      this._drop(index);
    } else if (isShown && run.number > this._newest && this._isNewestFirst) {
      this._version += 1;
      this._rows.splice(0, 0, run);
      this._total += 1;
    } else if (isNarrow(this._filter) || run.number > this._newest) {
      void this._refresh.invoke(); // it may have come in, or gone, somewhere out of sight
    }
    this._newest = Math.max(this._newest, run.number);
    this._changed.emit();
  }

  /** Show a run otherwise until the engine tells of it; the answer is what it was. */
  amend(id: string, change: Partial<RunSummary>): RunSummary | undefined {
    const index = this._rows.findIndex(known => known?.id === id);
    const known = this._rows[index];
    if (known) {
      this._rows[index] = { ...known, ...change };
      this._changed.emit();
    }
    return known;
  }

  remove(id: string): void {
    const index = this._rows.findIndex(known => known?.id === id);
    if (index >= 0) {
      this._drop(index);
    } else {
      void this._refresh.invoke();
    }
    this._changed.emit();
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._refresh.dispose();
      Signal.clearData(this);
    }
  }

  private get _isNewestFirst(): boolean {
    return this._filter.sort === 'newest' && this._filter.isDescending;
  }

  /** Forget all rows, once those around one place have come. */
  private async _load(around: number): Promise<void> {
    const version = ++this._version;
    const offset = startOf(around);
    this._isLoading = true;
    this._changed.emit();
    try {
      const page = await this._ask(offset, offset === 0 ? FIRST : PAGE);
      if (version !== this._version) {
        return;
      }
      this._rows = [];
      this._put(offset, page.runs);
      this._total = page.total;
      this._error = null;
    } catch (error) {
      if (version !== this._version) {
        return;
      }
      this._error = error;
    }
    this._isLoading = false;
    this._changed.emit();
    void this._fill();
  }

  /** Load what is in sight and not here, one page at a time. */
  private async _fill(): Promise<void> {
    const missing = this._firstMissing();
    if (missing === null || this._isFilling || this._isLoading) {
      return;
    }
    const version = this._version;
    const offset = startOf(missing);
    this._isFilling = true;
    try {
      const page = await this._ask(offset, PAGE);
      if (version === this._version) {
        this._put(offset, page.runs);
        this._total = page.total;
        this._error = null;
        if (page.runs.length === 0) {
          void this._refresh.invoke(); // the list has become shorter than we knew
        }
      }
    } catch (error) {
      this._error = error;
    } finally {
      this._isFilling = false;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
    if (this._error === null && this._firstMissing() !== missing) {
      void this._fill();
    }
  }

  private _firstMissing(): number | null {
    const last = Math.min(this._last, this._total - 1);
    for (let index = this._first; index <= last; index++) {
      if (this._rows[index] === undefined) {
        return index;
      }
    }
    return null;
  }

  private _ask(offset: number, limit: number) {
    const kind = this._kind;
    const query = { ...toQuery(this._filter), kind, offset, limit };
    return this._client.call('runs.list', {}, undefined, { query });
  }

  private _put(offset: number, runs: readonly RunSummary[]): void {
    runs.forEach((run, index) => {
      this._rows[offset + index] = run;
      this._newest = Math.max(this._newest, run.number);
    });
  }

  private _drop(index: number): void {
    this._version += 1;
    this._rows.splice(index, 1);
    this._total -= 1;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Debouncer;
  private _rows: (RunSummary | undefined)[] = [];
  private _filter = ALL_RUNS;
  private _total = 0;
  private _first = 0;
  private _last = 0;
  private _newest = 0;
  private _error: unknown = null;
  private _version = 0; // of the places of rows: what was asked under another one has no place
  private _isLoading = false;
  private _isFilling = false;
  private _isDisposed = false;
}

/** Where the page begins that holds a row, with some rows before it. */
function startOf(index: number): number {
  return Math.max(0, Math.floor(index / STEP) * STEP);
}

/** A page fills the tallest screen some four times over. */
const PAGE = 100;
const FIRST = 40; // somebody waits for it: what a screen holds, and a little more
const STEP = PAGE / 2;
const LARGEST = 1000; // what the engine gives at once
const REFRESH_MS = 500;
