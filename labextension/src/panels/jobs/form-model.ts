import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import type { Connection } from '../../api/connection';
import type { Places } from '../../api/places';
import type { Parameter, Pipeline, Run } from '../../api/types';
import type { IJobDraft, JobProblem } from './draft';

/** What differs between the forms of train and tuning jobs. */
export interface IJobKind<D extends IJobDraft, P extends string = JobProblem> {
  problemsOf(
    draft: D,
    parameters: readonly Parameter[]
  ): Partial<Record<string, P>>;

  /** Ask the engine for the job. */
  submit(
    client: ApiClient,
    draft: D,
    parameters: readonly Parameter[],
    headers: Record<string, string>
  ): Promise<Run>;
}

/** A job in the making: what was filled in, and what the engine makes of the notebook. */
export class JobForm<
  D extends IJobDraft,
  P extends string = JobProblem
> implements IDisposable {
  /** @param _save - Write a notebook that is open to disk, so that what runs is what is seen. */
  constructor(
    private readonly _connection: Connection,
    private readonly _kind: IJobKind<D, P>,
    draft: D,
    private readonly _save: (path: string) => Promise<void> = async () =>
      undefined
  ) {
    this._draft = draft;
    this._look(0);
  }

  /** The draft, what is known of the notebook, or a problem changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): D {
    return this._draft;
  }

  /** The notebook as a pipeline, once it was read: its steps and parameters. */
  get pipeline(): Pipeline | null {
    return this._draft.source === 'notebook' ? this._pipeline : null;
  }

  get parameters(): readonly Parameter[] {
    return this.pipeline?.parameters ?? [];
  }

  get problems(): Partial<Record<string, P>> {
    return this._kind.problemsOf(this._draft, this.parameters);
  }

  /** Where the job can run. */
  get places(): Places {
    return this._connection.places;
  }

  /** What the engine refused. */
  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  get canSubmit(): boolean {
    return !this._isBusy && Object.keys(this.problems).length === 0;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  edit(change: Partial<D>): void {
    const before = this._draft;
    this._draft = { ...before, ...change };
    this._key = UUID.uuid4();
    this._error = null;
    if (
      this._draft.path !== before.path ||
      this._draft.source !== before.source
    ) {
      this._look(PAUSE_MS);
    }
    this._changed.emit();
  }

  /** Set the field of a parameter; null goes back to its default. */
  setParameter(name: string, text: string | null): void {
    const parameters = { ...this._draft.parameters };
    if (text === null) {
      delete parameters[name];
    } else {
      parameters[name] = text;
    }
    this.edit({ parameters } as Partial<D>);
  }

  /** Begin the job; null when that was refused. The same form twice is the same job. */
  async submit(): Promise<Run | null> {
    if (!this.canSubmit) {
      return null;
    }
    this._isBusy = true;
    this._error = null;
    this._changed.emit();
    try {
      if (this._draft.source === 'notebook') {
        await this._save(this._draft.path);
      }
      return await this._kind.submit(
        this._connection.client,
        this._draft,
        this.parameters,
        { 'Idempotency-Key': this._key }
      );
    } catch (error) {
      this._error = error;
      return null;
    } finally {
      this._isBusy = false;
      this._changed.emit();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** Read the notebook, once typing pauses. */
  private _look(waitMs: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._read(), waitMs);
  }

  private async _read(): Promise<void> {
    const { path, source } = this._draft;
    const turn = ++this._turn;
    let pipeline: Pipeline | null = null;
    if (source === 'notebook' && /\.(ipynb|py)$/.test(path)) {
      try {
        await this._save(path);
        pipeline = await this._connection.client.compile({ path });
      } catch {
        // A script may be none that can be split; whether it can run is told when it does.
      }
    }
    if (turn === this._turn && !this._isDisposed) {
      this._pipeline = pipeline;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _draft: D;
  private _pipeline: Pipeline | null = null;
  private _error: unknown = null;
  private _key = UUID.uuid4();
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _turn = 0;
  private _isBusy = false;
  private _isDisposed = false;
}

const PAUSE_MS = 300;
