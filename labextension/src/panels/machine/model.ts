import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { Throttle } from '../../api/throttle';
import type { Event, MachineInventory } from '../../api/types';

/** What the machine has and who holds it, as long as somebody looks. */
export class MachineModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this._throttle = new Throttle(() => this.load(), CHANGES_MS);
    // How busy it is changes without an event.
    this._timer = setInterval(() => {
      if (!document.hidden) {
        this._throttle.request();
      }
    }, LOOK_MS);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
    this._throttle.request();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get machine(): MachineInventory | null {
    return this._machine;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  async load(): Promise<void> {
    try {
      this._machine = await this.connection.client.call('inventory.get', {});
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  /** Take a lease from a kernel that somebody has forgotten. */
  async release(lease: string): Promise<void> {
    await this.connection.client.call('leases.release', { lease });
    await this.load();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearInterval(this._timer);
    this._throttle.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _onReset(): void {
    this._throttle.request();
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (event.kind.startsWith('lease.') || event.kind === 'task.updated') {
      this._throttle.request();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _throttle: Throttle;
  private readonly _timer: ReturnType<typeof setInterval>;
  private _machine: MachineInventory | null = null;
  private _error: unknown = null;
  private _isDisposed = false;
}

const LOOK_MS = 5000;
const CHANGES_MS = 1000;
