import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import { Throttle } from '../../api/throttle';
import type { Event, Trial, TrialDetail, TuningStatus } from '../../api/types';
import { ProcessLogModel } from '../jobs/log-model';
import type { IJobDetail } from '../jobs/model';
import { bestOf, isOver } from './facts';
import { TrialView } from './trial-view';

/** One tuning job in full: its run, all its trials, the best of them, and the one that is open. */
export class TuningWatch implements IJobDetail {
  constructor(
    readonly connection: Connection,
    readonly id: string
  ) {
    this.watch = new RunWatch(connection, id);
    this._refresh = new Throttle(() => this._load(), REFRESH_MS);
    this._redraw = new Throttle(async () => this._draw(), REDRAW_MS);
    this._reading = new Throttle(() => this._readOpen(), REPORTS_MS);
    this.table.changed.connect(this._onTableChanged, this);
    this.watch.changed.connect(this._onRunChanged, this);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
    this._refresh.request();
  }

  readonly watch: RunWatch;

  /** How the table of trials is read. */
  readonly table = new TrialView();

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known beside the run; null until it is read. */
  get status(): TuningStatus | null {
    return this._status;
  }

  get error(): unknown {
    return this.watch.error ?? this._error;
  }

  /** All trials, by number. */
  get trials(): readonly Trial[] {
    return this._shown;
  }

  /** The best of those that ran to their end. */
  get best(): Trial | null {
    const direction = this._status?.spec.objective.direction ?? 'maximize';
    return bestOf(this._shown, direction) ?? this._status?.best ?? null;
  }

  /** How many trials are in each state. */
  get counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { state } of this._shown) {
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return counts;
  }

  /** How many trials are over, of all there may be; null: nobody knows. */
  get fraction(): number | null {
    const most = this._status?.spec.trials;
    const over = this._shown.filter(({ state }) => isOver(state)).length;
    return most ? Math.min(1, over / most) : null;
  }

  /** The trial that is open. */
  get selected(): Trial | null {
    return this._selected === null
      ? null
      : (this._trials.get(this._selected) ?? null);
  }

  /** What a trial has told and made, once it was read. */
  detailOf(number: number): TrialDetail | null {
    return this._details.get(number) ?? null;
  }

  /** The log of the trial that is open, once asked for. */
  get log(): ProcessLogModel | null {
    return this._log;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Open a trial; null puts it away. */
  select(number: number | null): void {
    if (number !== this._selected) {
      this._selected = number;
      this.showLog(false);
      if (number !== null) {
        void this._readDetail(number).then(() => this._redraw.request());
      }
    }
    this._changed.emit();
  }

  /** Show what the open trial wrote, or no longer. */
  showLog(isShown: boolean): void {
    this._log?.dispose();
    this._log = null;
    const number = this._selected;
    if (isShown && number !== null) {
      const { client } = this.connection;
      const segments = { run: this.id, trial: String(number) };
      this._log = new ProcessLogModel(
        this.connection,
        this.id,
        `trial ${number}`,
        (stream, offset, limit) =>
          client.readPiece('runs.trial_log', segments, {
            stream,
            offset,
            limit
          }),
        () => isOver(this._trials.get(number)?.state ?? 'Killed')
      );
    }
    this._changed.emit();
  }

  /** Say of which trials the curves are shown: they are read, and read again while the trials go on. */
  wantCurves(numbers: readonly number[]): void {
    this._wanted = numbers;
    this._reading.request();
  }

  /** End a trial before it is over. */
  async stopTrial(number: number): Promise<void> {
    const before = this._trials.get(number);
    if (before) {
      this._take({ ...before, state: 'Killed' });
    }
    try {
      await this.connection.client.call('runs.stop_trial', {
        run: this.id,
        trial: String(number)
      });
    } catch (error) {
      if (before) {
        this._take(before);
      }
      throw error;
    } finally {
      this._refresh.request();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._log?.dispose();
    this._refresh.dispose();
    this._redraw.dispose();
    this._reading.dispose();
    this.table.dispose();
    this.watch.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  /** Read what the engine knows: all trials at first, and where it told only that there are others. */
  private async _load(): Promise<void> {
    const { client } = this.connection;
    try {
      this._status = await client.call('runs.tuning', { run: this.id });
      if (this._isStale) {
        this._isStale = false;
        await this._loadTrials();
      }
      this._error = null;
    } catch (error) {
      this._isStale = true;
      this._error = error;
    }
    this._draw();
  }

  private async _loadTrials(): Promise<void> {
    let after: string | null = null;
    do {
      const page: { trials: Trial[]; next: string | null } =
        await this.connection.client.call(
          'runs.trials',
          { run: this.id },
          undefined,
          { query: { after, limit: PAGE } }
        );
      page.trials.forEach(trial => this._trials.set(trial.number, trial));
      after = page.next;
    } while (after !== null && !this._isDisposed);
  }

  /** Read the reports of those trials whose curves are shown and may have grown. */
  private async _readOpen(): Promise<void> {
    let isChanged = false;
    for (const number of this._wanted) {
      const known = this._details.get(number);
      const state = this._trials.get(number)?.state;
      if (!known || !isOver(known.trial.state) || known.trial.state !== state) {
        isChanged = (await this._readDetail(number)) || isChanged;
      }
    }
    if (isChanged) {
      this._redraw.request();
    }
  }

  private async _readDetail(number: number): Promise<boolean> {
    try {
      const detail = await this.connection.client.call('runs.trial', {
        run: this.id,
        trial: String(number)
      });
      this._details.set(number, detail);
      return true;
    } catch {
      return false; // the table tells what is known of it
    }
  }

  private _take(trial: Trial): void {
    this._trials.set(trial.number, trial);
    this._redraw.request();
  }

  private _draw(): void {
    if (!this._isDisposed) {
      this._shown = [...this._trials.values()].sort(
        (a, b) => a.number - b.number
      );
      this._changed.emit();
    }
  }

  private _onRunChanged(): void {
    const state = this.watch.run?.state ?? null;
    if (state !== this._state) {
      this._state = state;
      this._isStale = this._isStale || (state !== null && isFinal(state));
      this._refresh.request();
    }
    this._changed.emit();
  }

  private _onTableChanged(): void {
    this._changed.emit();
  }

  private _onReset(): void {
    this._isStale = true;
    this._refresh.request();
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (event.data.run_id !== this.id) {
      return;
    }
    switch (event.kind) {
      case 'trial.updated':
        this._take(event.data.trial as unknown as Trial);
        this._refresh.request();
        this._reading.request();
        break;
      case 'trials.updated':
        this._isStale = true;
        this._refresh.request();
        break;
      case 'task.updated':
      case 'metric.logged':
        this._reading.request();
        break;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private readonly _redraw: Throttle;
  private readonly _reading: Throttle;
  private readonly _trials = new Map<number, Trial>();
  private readonly _details = new Map<number, TrialDetail>();
  private _shown: readonly Trial[] = [];
  private _wanted: readonly number[] = [];
  private _status: TuningStatus | null = null;
  private _error: unknown = null;
  private _selected: number | null = null;
  private _log: ProcessLogModel | null = null;
  private _state: string | null = null;
  private _isStale = true;
  private _isDisposed = false;
}

const PAGE = 1000;
const REFRESH_MS = 1000;
const REDRAW_MS = 250;
const REPORTS_MS = 1500;
