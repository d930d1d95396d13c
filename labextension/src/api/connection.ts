import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from './client';
import type { EventStream, StreamState } from './events';
import { Places } from './places';
import type { EngineStatus } from './types';

/**
 * The link to the engine: connects on first need, because asking starts it, and tells the models when
 * to load anew.
 */
export class Connection {
  constructor(
    readonly client: ApiClient,
    readonly events: EventStream
  ) {
    events.stateChanged.connect(this._onStreamState, this);
    events.restarted.connect(this._onRestarted, this);
  }

  /** Where work can run. */
  readonly places = new Places(
    async () => (await this.client.call('places.list', {})).places
  );

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when lists must be loaded: first connection, or another state directory answers. */
  get reset(): ISignal<this, void> {
    return this._reset;
  }

  get state(): StreamState {
    return this._isAsking && this._state !== 'live'
      ? 'connecting'
      : this._state;
  }

  get status(): EngineStatus | null {
    return this._status;
  }

  get error(): unknown {
    return this._error;
  }

  /** Connect if not connected. Never rejects: failure is a state. */
  async ensure(): Promise<void> {
    if (this._isAsking || this._state === 'live') {
      return;
    }
    this._isAsking = true;
    this._changed.emit();
    try {
      await this._ask();
    } catch (error) {
      this._error = error;
      this._state = 'offline';
    } finally {
      this._isAsking = false;
      this._changed.emit();
    }
  }

  private async _ask(): Promise<void> {
    const status = await this.client.engine();
    const isFirst = this._status === null;
    this._status = status;
    this._error = null;
    this.events.reconcile(status.last_event);
    this.events.start(status.last_event);
    if (isFirst) {
      this._reset.emit();
    }
  }

  private _onStreamState(_: EventStream, state: StreamState): void {
    this._state = state;
    this._isBack = this._isBack || state === 'offline';
    this._error = state === 'offline' ? this.events.error : null;
    this._changed.emit();
    if (state === 'live' && this._isBack) {
      // Another engine may answer now: of another version, or of another state directory.
      this._isBack = false;
      this._ask().then(
        () => this._changed.emit(),
        () => undefined // gone again; the stream will tell
      );
    }
  }

  private _onRestarted(): void {
    this.places.forget();
    this._reset.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _reset = new Signal<this, void>(this);
  private _state: StreamState = 'idle';
  private _status: EngineStatus | null = null;
  private _error: unknown = null;
  private _isAsking = false;
  private _isBack = false;
}
