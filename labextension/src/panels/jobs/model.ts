import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import type {
  Event,
  Progress,
  Run,
  RunState,
  RunSummary,
  Task
} from '../../api/types';
import { RunPages } from '../runs/pages';
import { ALL_RUNS } from '../runs/query';
import type { IJobDraft, JobProblem } from './draft';
import type { JobForm } from './form-model';

/** A job in full, kept current while it is looked at. */
export interface IJobDetail extends IDisposable {
  readonly id: string;
  readonly watch: RunWatch;
  readonly changed: ISignal<unknown, void>;
}

/** A list of jobs, and how far those are that go on. */
export interface IJobList {
  readonly pages: RunPages;
  progressOf(run: string): Progress | null;
}

/** Jobs of one kind, live: the list, the one that is open, and the form of another. */
export class JobsModel<
  T extends IJobDetail,
  D extends IJobDraft,
  P extends string = JobProblem
>
  implements IDisposable, IJobList
{
  /**
   * @param kind - Which runs are listed.
   * @param _watch - Makes the detail of one.
   */
  constructor(
    readonly connection: Connection,
    readonly kind: 'train' | 'tune',
    private readonly _watch: (run: string) => T
  ) {
    this.pages = new RunPages(connection.client, kind);
    this.pages.changed.connect(this._onPagesChanged, this);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The jobs, as far as they are here; the newest first. */
  readonly pages: RunPages;

  /** The list, the open job or the form changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many jobs are not at their end. */
  get activeCount(): number {
    return this._active.size;
  }

  /** How far a job said it is. */
  progressOf(run: string): Progress | null {
    return this._progress.get(run) ?? null;
  }

  /** The job that is open. */
  get detail(): T | null {
    return this._detail;
  }

  /** The form, while it is open. */
  get form(): JobForm<D, P> | null {
    return this._form;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Open a job; null goes back to the list. */
  open(id: string | null): void {
    this._setForm(null);
    if (id !== (this._detail?.id ?? null)) {
      this._detail?.dispose();
      this._detail = id === null ? null : this._watch(id);
      this._detail?.changed.connect(this._onDetailChanged, this);
    }
    this._changed.emit();
  }

  /** Begin a new job. */
  compose(form: JobForm<D, P>): void {
    this._setForm(form);
    this._changed.emit();
  }

  putFormAway(): void {
    this._setForm(null);
    this._changed.emit();
  }

  /** Begin what the form says, and show it; null when that was refused. */
  async submit(): Promise<Run | null> {
    const form = this._form;
    const run = (await form?.submit()) ?? null;
    if (run !== null && form === this._form) {
      this.open(run.id);
    }
    return run;
  }

  /** Let a job wait, or go on. Shown at once, and taken back when it is refused. */
  async pause(id: string, isPaused: boolean): Promise<void> {
    await this._change(id, (isPaused ? 'PAUSED' : 'PENDING') as RunState, () =>
      this.connection.client.call(isPaused ? 'runs.pause' : 'runs.resume', {
        run: id
      })
    );
  }

  /** Stop a job for good. */
  async stop(id: string): Promise<void> {
    await this._change(id, 'CANCELING', () =>
      this.connection.client.cancel(id)
    );
  }

  /** Go on with one that failed or was stopped. */
  async retry(id: string): Promise<void> {
    await this._change(id, 'PENDING', () =>
      this.connection.client.retry(id, {})
    );
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._form?.dispose();
    this._detail?.dispose();
    this.pages.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _change(
    id: string,
    state: RunState,
    ask: () => Promise<Run>
  ): Promise<void> {
    const watch = this._detail?.id === id ? this._detail.watch : null;
    const before = this.pages.amend(id, { state });
    watch?.amend({ state });
    try {
      await ask();
    } catch (error) {
      if (before) {
        this.pages.amend(id, { state: before.state });
      }
      throw error;
    } finally {
      await watch?.settle();
    }
  }

  private _setForm(form: JobForm<D, P> | null): void {
    this._form?.dispose();
    this._form = form;
  }

  private _onReset(): void {
    this._active.clear();
    this._progress.clear();
    void this.pages.show(ALL_RUNS).then(() => this._lookAtActive());
  }

  /** Learn how far those are that go on; later on, events tell. */
  private async _lookAtActive(): Promise<void> {
    const active = this.pages.loaded.filter(run => !isFinal(run.state));
    active.forEach(run => this._active.add(run.id));
    this._changed.emit();
    for (const { id } of active.slice(0, MOST_ASKED)) {
      try {
        (await this.connection.client.getRun(id)).tasks.forEach(task =>
          this._note(id, task)
        );
      } catch {
        // It is gone, or nobody answers: the list tells.
      }
    }
    this._changed.emit();
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'run.created':
      case 'run.updated': {
        const run = event.data as unknown as RunSummary;
        if (run.kind === this.kind) {
          if (isFinal(run.state)) {
            this._active.delete(run.id);
          } else {
            this._active.add(run.id);
          }
          this.pages.accept(run);
        }
        break;
      }
      case 'run.deleted':
        if (
          this._active.delete(event.subject) ||
          this.pages.find(event.subject)
        ) {
          this.pages.remove(event.subject);
        }
        if (this._detail?.id === event.subject) {
          this.open(null);
        }
        break;
      case 'task.updated': {
        const run = String(event.data.run_id);
        if (this._active.has(run)) {
          this._note(run, event.data.task as unknown as Task);
          this._changed.emit();
        }
        break;
      }
    }
  }

  private _note(run: string, task: Task): void {
    if (task.progress) {
      this._progress.set(run, task.progress);
    }
  }

  private _onPagesChanged(): void {
    this._changed.emit();
  }

  private _onDetailChanged(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _active = new Set<string>();
  private readonly _progress = new Map<string, Progress>();
  private _detail: T | null = null;
  private _form: JobForm<D, P> | null = null;
  private _isDisposed = false;
}

/** As many as a machine runs at once, and some that wait. */
const MOST_ASKED = 20;
