import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { failureOf } from '../../api/failures';
import type { Connection } from '../../api/connection';
import { RunWatch } from '../../api/run-watch';
import type { Failure, Run, Task } from '../../api/types';
import { LogModel, readTail } from './log-model';
import type { ILogLine } from './log-model';

/** What is shown of a step. */
export type StepTab = 'outputs' | 'log' | 'about';

/** One run in full: its state, the step that is looked at, and that step's log. */
export class RunDetailModel implements IDisposable {
  /**
   * @param _isLeading - Whether to show the most telling step until the user chooses one: that which
   * failed, else runs, else came last.
   */
  constructor(
    readonly connection: Connection,
    readonly id: string,
    private _isLeading = false
  ) {
    this.watch = new RunWatch(connection, id);
    this.watch.changed.connect(this._onWatchChanged, this);
  }

  readonly watch: RunWatch;

  /** The run, the selected step or what is charted changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get step(): string | null {
    return this._step;
  }

  get task(): Task | null {
    return this._step === null ? null : this.watch.task(this._step);
  }

  get tab(): StepTab {
    return this._tab;
  }

  /** The log of the selected step. */
  get log(): LogModel | null {
    return this._log;
  }

  /** Why the run failed, once it has. */
  get failure(): Failure | null {
    const { run } = this.watch;
    return run?.state === 'FAILED' ? failureOf(run) : null;
  }

  /** The end of what the failed step wrote; empty until it is known. */
  get failureLog(): readonly ILogLine[] {
    return this._tail.lines;
  }

  /** Names of the metrics that are drawn as lines. */
  get charted(): readonly string[] {
    return this._charted;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Look at a step, and at one side of it. */
  selectStep(step: string | null, tab: StepTab = this._tab): void {
    this._isLeading = false;
    this._charted = [];
    this._tab = tab;
    this._show(step);
    this._changed.emit();
  }

  showTab(tab: StepTab): void {
    this._tab = tab;
    this._changed.emit();
  }

  /** Draw these metrics; none goes back to the step. */
  chart(metrics: readonly string[]): void {
    this._charted = metrics;
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._log?.dispose();
    this.watch.dispose();
    Signal.clearData(this);
  }

  private _show(step: string | null): void {
    if (step === this._step) {
      return;
    }
    this._log?.dispose();
    this._step = step;
    this._log =
      step === null ? null : new LogModel(this.connection, this.id, step);
    this._tellAttempt();
  }

  private _onWatchChanged(): void {
    const { run } = this.watch;
    if (this._isLeading && run) {
      this._show(mostTelling(run) ?? this._step);
    }
    this._tellAttempt();
    void this._readTail();
    this._changed.emit();
  }

  private _tellAttempt(): void {
    const { task } = this;
    if (task !== null) {
      this._log?.follow(task);
    }
  }

  /** Read the end of the failed step's log, once per attempt. */
  private async _readTail(): Promise<void> {
    const step = this.failure?.step ?? null;
    const attempt = step === null ? null : this.watch.task(step)?.attempt;
    const of = step === null ? '' : `${step}/${attempt}`;
    if (of === this._tail.of) {
      return;
    }
    this._tail = { of, lines: [] };
    if (step === null || !attempt) {
      return;
    }
    try {
      const lines = await readTail(this.connection, this.id, step, TAIL_LINES);
      if (this._tail.of === of && !this._isDisposed) {
        this._tail = { of, lines };
        this._changed.emit();
      }
    } catch {
      // The card says the most important without it, and the log tells its own trouble.
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _step: string | null = null;
  private _tab: StepTab = 'outputs';
  private _log: LogModel | null = null;
  private _charted: readonly string[] = [];
  private _tail: { of: string; lines: readonly ILogLine[] } = {
    of: '',
    lines: []
  };
  private _isDisposed = false;
}

/** The step that says most of how a run goes. */
function mostTelling(run: Run): string | null {
  const { tasks } = run;
  const task =
    tasks.find(({ state }) => state === 'FAILED') ??
    tasks.find(({ state }) => state === 'RUNNING') ??
    tasks.filter(({ state }) => state === 'SUCCEEDED').at(-1) ??
    tasks[0];
  return task?.name ?? null;
}

/** As much of a log as the failure card shows. */
const TAIL_LINES = 30;
