import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../api/connection';
import type { EventStream } from '../api/events';
import { isFinal } from '../api/states';
import type { Event, RunState, RunSummary } from '../api/types';
import type { INoticeLedger } from './ledger';

/** What a notice says of a run. */
export interface IEndedRun {
  id: string;
  number: number;
  pipeline: string;
  state: RunState;
  failed_step: string | null;
}

/**
 * Tells of runs that ended where nobody was looking: each end once, whatever tabs are open and whenever the
 * page was loaded; of many at once in one word.
 */
export class NoticesModel implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    private readonly _options: NoticesModel.IOptions
  ) {
    _connection.events.received.connect(this._onEvent, this);
    _connection.reset.connect(this._onReset, this);
  }

  /** Runs to tell of, together; never none. */
  get due(): ISignal<this, readonly IEndedRun[]> {
    return this._due;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._connection.events.received.disconnect(this._onEvent, this);
    this._connection.reset.disconnect(this._onReset, this);
    Signal.clearData(this);
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (event.kind !== 'run.created' && event.kind !== 'run.updated') {
      return;
    }
    const run = event.data as unknown as RunSummary;
    if (!isFinal(run.state)) {
      if (!this._awaited.has(run.id)) {
        this._awaited.add(run.id);
        this._options.ledger.await(run.id);
      }
    } else if (
      this._awaited.has(run.id) ||
      this._options.ledger.awaited().includes(run.id)
    ) {
      this._awaited.delete(run.id);
      void this._end(run, run.finished_at);
    }
  }

  /** What was awaited when the page went away may have ended meanwhile. */
  private async _onReset(): Promise<void> {
    for (const id of this._options.ledger.awaited()) {
      try {
        const run = await this._connection.client.getRun(id);
        if (isFinal(run.state)) {
          const failed = run.tasks.find(({ failure }) => failure !== null);
          await this._end(
            { ...run, failed_step: failed?.name ?? null },
            run.finished_at
          );
        } else {
          this._awaited.add(id);
        }
      } catch {
        // Deleted, or of another state directory: nobody waits for it any more.
        await this._options.ledger.claim(id, 'gone');
      }
    }
  }

  private async _end(run: IEndedRun, at: string | null): Promise<void> {
    const { ledger, isWatched, isHidden } = this._options;
    // Who sees the run end takes it on first, and says nothing; then who could tell at once.
    if (!isWatched()) {
      await wait(isHidden() ? HIDDEN_MS : SEEN_MS);
    }
    const isOurs = await ledger.claim(run.id, at ?? '');
    if (isOurs && !isWatched() && !this._isDisposed) {
      this._batch.push(run);
      this._timer ??= setTimeout(() => this._flush(), this._pauseMs());
    }
  }

  /** The first is told at once; those that come on its heels are gathered. */
  private _pauseMs(): number {
    return Date.now() - this._toldAt < QUIET_MS ? QUIET_MS : GATHER_MS;
  }

  private _flush(): void {
    this._timer = undefined;
    this._toldAt = Date.now();
    this._due.emit(this._batch.splice(0));
  }

  private readonly _due = new Signal<this, readonly IEndedRun[]>(this);
  private readonly _awaited = new Set<string>();
  private readonly _batch: IEndedRun[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _toldAt = -Infinity;
  private _isDisposed = false;
}

export namespace NoticesModel {
  export interface IOptions {
    ledger: INoticeLedger;

    /** Whether the user sees runs end in this tab. */
    isWatched: () => boolean;

    /** Whether this tab lies behind others. */
    isHidden: () => boolean;
  }
}

/** How many tell of themselves; more are told in one word. */
export const SINGLE = 2;

const SEEN_MS = 150;
const HIDDEN_MS = 400;
const GATHER_MS = 300;
/** A notice stays eight seconds; so many at a time can be read. */
const QUIET_MS = 4000;

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
