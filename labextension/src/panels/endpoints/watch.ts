import { JSONExt } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type { Endpoint, Event, Traffic } from '../../api/types';

/** One endpoint, live, and what can be done to it. Actions show at once and are taken back if refused. */
export class EndpointWatch implements IDisposable {
  constructor(
    readonly connection: Connection,
    readonly name: string
  ) {
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
    void this.load();
  }

  /** How many look at it; kept by whoever shares it among them. */
  users = 0;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The endpoint as it is, or as it will be when what was asked has been done. */
  get endpoint(): Endpoint | null {
    return this._known && this._assumed
      ? { ...this._known, ...this._assumed }
      : this._known;
  }

  get error(): unknown {
    return this._error;
  }

  /** Somebody deleted it. */
  get isGone(): boolean {
    return this._isGone;
  }

  /** Something that was asked has not been answered yet. */
  get isBusy(): boolean {
    return this._busy > 0;
  }

  /** The split before the last change made here, as long as that change is in force. */
  get undoable(): readonly Traffic[] | null {
    const isInForce =
      this._undo !== null &&
      this._known !== null &&
      JSONExt.deepEqual(this._known.traffic, this._undo.after);
    return isInForce ? this._undo!.before : null;
  }

  /** The revision whose log is shown; 0: the router's; null: none. */
  get shownLog(): number | null {
    return this._shownLog;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  async load(): Promise<void> {
    try {
      this._accept(
        await this.connection.client.call('endpoints.get', {
          endpoint: this.name
        })
      );
    } catch (error) {
      this._error = error;
      this._emit();
    }
  }

  /** Show what a revision's server wrote, or with 0 the router; null shows none. */
  showLog(revision: number | null): void {
    this._shownLog = revision;
    this._emit();
  }

  /** Set the whole split. */
  async setTraffic(traffic: readonly Traffic[]): Promise<void> {
    const shared = traffic.filter(part => part.percent > 0);
    await this._move({ traffic: shared }, 'endpoints.set_traffic', {
      traffic: shared
    });
  }

  /** Go back to the split before the last change made here. */
  async undo(): Promise<void> {
    const before = this.undoable;
    if (before !== null) {
      await this.setTraffic(before);
      this._undo = null;
      this._emit();
    }
  }

  /** Give the newest revision all traffic. */
  promote(): Promise<void> {
    return this._move({}, 'endpoints.promote');
  }

  /** Go back to the split before the one in force. */
  rollBack(): Promise<void> {
    return this._move({}, 'endpoints.rollback');
  }

  async stop(): Promise<void> {
    await this._ask({ state: 'STOPPED' }, 'endpoints.stop');
  }

  async start(): Promise<void> {
    await this._ask({ state: 'PENDING' }, 'endpoints.start');
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _move(
    assumed: Partial<Endpoint>,
    route: 'endpoints.set_traffic' | 'endpoints.promote' | 'endpoints.rollback',
    body?: { traffic: Traffic[] }
  ): Promise<void> {
    const before = this._known?.traffic ?? [];
    await this._ask(assumed, route, body);
    this._undo = { before, after: this._known?.traffic ?? [] };
    this._emit();
  }

  /** Show what was asked for at once; then what came of it. */
  private async _ask(
    assumed: Partial<Endpoint>,
    route:
      | 'endpoints.set_traffic'
      | 'endpoints.promote'
      | 'endpoints.rollback'
      | 'endpoints.stop'
      | 'endpoints.start',
    body?: { traffic: Traffic[] }
  ): Promise<void> {
    this._assumed = assumed;
    this._busy += 1;
    this._emit();
    try {
      const segments = { endpoint: this.name };
      this._known = await this.connection.client.call(route, segments, body);
    } finally {
      this._busy -= 1;
      if (this._assumed === assumed) {
        this._assumed = null;
      }
      this._emit();
    }
  }

  private _onReset(): void {
    void this.load();
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (event.subject !== this.name) {
      return;
    }
    switch (event.kind) {
      case 'endpoint.updated':
        this._accept(event.data as unknown as Endpoint);
        break;
      case 'endpoint.deleted':
        this._isGone = true;
        this._emit();
        break;
    }
  }

  private _accept(endpoint: Endpoint): void {
    this._known = endpoint;
    this._isGone = false;
    this._error = null;
    this._emit();
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _known: Endpoint | null = null;
  private _assumed: Partial<Endpoint> | null = null;
  private _undo: { before: Traffic[]; after: Traffic[] } | null = null;
  private _error: unknown = null;
  private _shownLog: number | null = null;
  private _busy = 0;
  private _isGone = false;
  private _isDisposed = false;
}
