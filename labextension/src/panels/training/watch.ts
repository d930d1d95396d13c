import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import { Throttle } from '../../api/throttle';
import type {
  Event,
  Progress,
  RankStatus,
  TrainJobStatus
} from '../../api/types';
import { ProcessLogModel } from '../jobs/log-model';
import type { IJobDetail } from '../jobs/model';

/** A job whose curves are drawn beside another's. */
export interface ICurveSource {
  readonly id: string;
  readonly watch: RunWatch;
}

/** One train job in full: its run, its processes, the log of one of them, and the jobs beside it. */
export class TrainWatch implements IJobDetail {
  constructor(
    readonly connection: Connection,
    readonly id: string
  ) {
    this.watch = new RunWatch(connection, id);
    this._refresh = new Throttle(() => this._load(), REFRESH_MS);
    this.watch.changed.connect(this._onRunChanged, this);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
    this._refresh.request();
  }

  readonly watch: RunWatch;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known beside the run; null until it is read. */
  get status(): TrainJobStatus | null {
    return this._status;
  }

  get error(): unknown {
    return this.watch.error ?? this._error;
  }

  /** Its processes; those that failed first, of these the one that failed first. */
  get ranks(): readonly RankStatus[] {
    return failingFirst(this._status?.ranks ?? []);
  }

  /** How far it says it is: what came by event, or was read. */
  get progress(): Progress | null {
    const told = this.watch.run?.tasks.find(task => task.progress)?.progress;
    return told ?? this._status?.progress ?? null;
  }

  /** The process whose log is shown: the chosen one, else the most telling. */
  get rank(): number | null {
    return this._rank ?? this.ranks[0]?.rank ?? null;
  }

  /** The log that is shown, once asked for. */
  get log(): ProcessLogModel | null {
    return this._log;
  }

  /** The jobs whose curves are drawn: this one, then those chosen beside it. */
  get together(): readonly ICurveSource[] {
    return [this, ...this._others];
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show the log of a process; null puts it away. */
  showLog(rank: number | null): void {
    this._rank = rank;
    this._closeLog();
    if (rank !== null) {
      const { client } = this.connection;
      const segments = { run: this.id, rank: String(rank) };
      this._log = new ProcessLogModel(
        this.connection,
        this.id,
        `rank ${rank}`,
        (stream, offset, limit) =>
          client.readPiece('runs.rank_log', segments, {
            stream,
            offset,
            limit
          }),
        () => isFinal(this.watch.run?.state ?? 'PENDING')
      );
    }
    this._changed.emit();
  }

  /** Draw the curves of another job with these, or no longer. */
  toggleOther(id: string): void {
    const index = this._others.findIndex(other => other.id === id);
    if (index >= 0) {
      this._others.splice(index, 1)[0].watch.dispose();
    } else if (id !== this.id && this._others.length < MOST_OTHERS) {
      const watch = new RunWatch(this.connection, id);
      watch.changed.connect(this._onOtherChanged, this);
      this._others.push({ id, watch });
    }
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._closeLog();
    this._others.forEach(({ watch }) => watch.dispose());
    this._refresh.dispose();
    this.watch.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _load(): Promise<void> {
    try {
      this._status = await this.connection.client.call('runs.ranks', {
        run: this.id
      });
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private _onRunChanged(): void {
    // Its processes are part of what a run is; the two are asked for apart.
    const { run } = this.watch;
    const key = run && run.tasks.map(task => `${task.state}${task.attempt}`);
    if (String(key) !== this._key) {
      this._key = String(key);
      this._refresh.request();
    }
    this._changed.emit();
  }

  private _onOtherChanged(): void {
    this._changed.emit();
  }

  private _onReset(): void {
    this._refresh.request();
  }

  private _onEvent(_: EventStream, event: Event): void {
    const isOurs = event.subject === this.id || event.data.run_id === this.id;
    if (isOurs && ASKING.has(event.kind)) {
      this._refresh.request();
    }
  }

  private _closeLog(): void {
    this._log?.dispose();
    this._log = null;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private readonly _others: ICurveSource[] = [];
  private _status: TrainJobStatus | null = null;
  private _error: unknown = null;
  private _rank: number | null = null;
  private _log: ProcessLogModel | null = null;
  private _key = '';
  private _isDisposed = false;
}

/** Put the processes that failed on top, the first to fail first of all; the others by number. */
export function failingFirst(
  ranks: readonly RankStatus[]
): readonly RankStatus[] {
  const isFailed = (rank: RankStatus) => rank.state === 'failed';
  const endOf = (rank: RankStatus) => rank.finished_at ?? '~';
  return [...ranks].sort(
    (a, b) =>
      Number(isFailed(b)) - Number(isFailed(a)) ||
      (isFailed(a) ? endOf(a).localeCompare(endOf(b)) : 0) ||
      a.rank - b.rank
  );
}

const ASKING: ReadonlySet<string> = new Set([
  'rank.updated',
  'task.updated',
  'checkpoint.updated'
]);

/** As many lines as can be told apart. */
export const MOST_OTHERS = 5;
const REFRESH_MS = 500;
