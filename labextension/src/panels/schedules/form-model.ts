import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { Places } from '../../api/places';
import type { Parameter, ScheduleStatus } from '../../api/types';
import { patchOf, problemsOf, requestOf } from './draft';
import type { DraftField, DraftProblem, IScheduleDraft } from './draft';

/** A schedule in the making: what was filled in, and what the engine makes of it. */
export class ScheduleForm implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    draft: IScheduleDraft
  ) {
    this._draft = draft;
    this._look(0);
  }

  /** The draft, its preview or its problems changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): IScheduleDraft {
    return this._draft;
  }

  /** What the engine says it would do: how the trigger reads, the next times, the parameters. */
  get preview(): ScheduleStatus | null {
    return this._preview;
  }

  /** Parameters of what is run; known once a preview was had. */
  get parameters(): readonly Parameter[] {
    return this._preview?.parameters ?? [];
  }

  get problems(): Partial<Record<DraftField, DraftProblem>> {
    return problemsOf(this._draft, this.parameters);
  }

  /** Where it can run. */
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

  get canSave(): boolean {
    return !this._isBusy && Object.keys(this.problems).length === 0;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  edit(change: Partial<IScheduleDraft>): void {
    this._draft = { ...this._draft, ...change };
    this._look(PAUSE_MS);
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
    this.edit({ parameters });
  }

  /** Create or change the schedule; null when that was refused. */
  async save(): Promise<ScheduleStatus | null> {
    if (!this.canSave) {
      return null;
    }
    this._isBusy = true;
    this._error = null;
    this._changed.emit();
    const { client } = this._connection;
    const { schedule } = this._draft;
    try {
      return schedule === null
        ? await client.call(
            'schedules.create',
            {},
            requestOf(this._draft, this.parameters)
          )
        : await client.call(
            'schedules.update',
            { schedule },
            patchOf(this._draft, this.parameters)
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

  /** Ask what would come of the draft, once typing pauses. */
  private _look(waitMs: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._ask(), waitMs);
  }

  private async _ask(): Promise<void> {
    const turn = ++this._turn;
    if (this._draft.path === '' || Object.keys(this.problems).length > 0) {
      return;
    }
    let preview = this._preview;
    let error: unknown = null;
    try {
      preview = await this._connection.client.call(
        'schedules.preview',
        {},
        requestOf(this._draft, this.parameters)
      );
    } catch (refused) {
      error = refused;
      preview = preview && { ...preview, next: [], reading: '' };
    }
    if (turn === this._turn && !this._isDisposed) {
      this._preview = preview;
      this._error = error;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _draft: IScheduleDraft;
  private _preview: ScheduleStatus | null = null;
  private _error: unknown = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _turn = 0;
  private _isBusy = false;
  private _isDisposed = false;
}

const PAUSE_MS = 300;
