import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type { Endpoint, Event } from '../../api/types';
import { DeployModel } from './deploy-model';
import type { IDeployDraft } from './deploy-model';
import { StatsModel } from './stats';
import { EndpointWatch } from './watch';

/** The list of endpoints, live, and the one that is open. */
export class EndpointsModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this.stats = new StatsModel(connection.client);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** How the endpoints have answered lately. */
  readonly stats: StatsModel;

  /** The list, the selection or the form changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All endpoints, by name. */
  get endpoints(): readonly Endpoint[] {
    return this._endpoints;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  /** How many endpoints do not serve as they should. */
  get troubledCount(): number {
    return this._endpoints.filter(
      ({ state }) => state === 'FAILED' || state === 'DEGRADED'
    ).length;
  }

  /** The endpoint that is open. */
  get selected(): EndpointWatch | null {
    return this._selected;
  }

  /** The form for a new deployment, while it is open. */
  get deployment(): DeployModel | null {
    return this._deployment;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Open an endpoint; null goes back to the list. */
  open(name: string | null): void {
    this.compose(null);
    if (name !== (this._selected?.name ?? null)) {
      const before = this._selected;
      this._selected = name === null ? null : this.acquire(name);
      if (before) {
        this.release(before);
      }
    }
    this._changed.emit();
  }

  /** Watch an endpoint: all who do share one watch, so that they see the same. Release it. */
  acquire(name: string): EndpointWatch {
    const watch =
      this._watches.get(name) ?? new EndpointWatch(this.connection, name);
    this._watches.set(name, watch);
    watch.users += 1;
    return watch;
  }

  release(watch: EndpointWatch): void {
    watch.users -= 1;
    if (watch.users === 0) {
      this._watches.delete(watch.name);
      watch.dispose();
    }
  }

  /** Do something to an endpoint, so that all who watch it see it at once. */
  async change<T>(
    name: string,
    action: (watch: EndpointWatch) => Promise<T>
  ): Promise<T> {
    const watch = this.acquire(name);
    try {
      return await action(watch);
    } finally {
      this.release(watch);
    }
  }

  /** Begin to deploy with what is known so far; null puts the form away. */
  compose(given: Partial<IDeployDraft> | null): void {
    this._deployment?.dispose();
    this._deployment =
      given === null
        ? null
        : new DeployModel(this.connection, () => this._endpoints, given);
    this._changed.emit();
  }

  /** Deploy what the form says, and show the endpoint; false when that was refused. */
  async deploy(): Promise<boolean> {
    const form = this._deployment;
    const endpoint = await form?.deploy();
    if (!endpoint || form !== this._deployment) {
      return false;
    }
    this._accept(endpoint);
    this.open(endpoint.name);
    return true;
  }

  async delete(name: string): Promise<void> {
    await this.connection.client.call('endpoints.delete', { endpoint: name });
    this._remove(name);
  }

  async load(): Promise<void> {
    const turn = ++this._turn;
    this._isLoading = true;
    this._changed.emit();
    try {
      const list = await this.connection.client.call('endpoints.list', {});
      if (turn !== this._turn) {
        return;
      }
      this._endpoints = [...list.endpoints].sort(byName);
      this._error = null;
    } catch (error) {
      if (turn !== this._turn) {
        return;
      }
      this._error = error;
    }
    this._isLoading = false;
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._watches.forEach(watch => watch.dispose());
    this._deployment?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _onReset(): void {
    void this.load();
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'endpoint.updated':
        this._accept(event.data as unknown as Endpoint);
        break;
      case 'endpoint.deleted':
        this._remove(event.subject);
        break;
    }
  }

  private _accept(endpoint: Endpoint): void {
    const others = this._endpoints.filter(({ name }) => name !== endpoint.name);
    this._endpoints = [...others, endpoint].sort(byName);
    this._changed.emit();
  }

  private _remove(name: string): void {
    this._endpoints = this._endpoints.filter(found => found.name !== name);
    if (this._selected?.name === name) {
      this.open(null);
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _watches = new Map<string, EndpointWatch>();
  private _endpoints: readonly Endpoint[] = [];
  private _selected: EndpointWatch | null = null;
  private _deployment: DeployModel | null = null;
  private _error: unknown = null;
  private _turn = 0;
  private _isLoading = false;
  private _isDisposed = false;
}

function byName(a: Endpoint, b: Endpoint): number {
  return a.name.localeCompare(b.name);
}
