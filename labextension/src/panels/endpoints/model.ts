import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { LiveList } from '../../api/live-list';
import type { Endpoint, Event } from '../../api/types';
import { DeployModel } from './deploy-model';
import type { IDeployDraft } from './deploy-model';
import { StatsModel } from './stats';
import { EndpointWatch } from './watch';

/** The list of endpoints, live, and the one that is open. */
export class EndpointsModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this.stats = new StatsModel(connection.client);
    this._list = new LiveList<Endpoint>({
      load: async () =>
        (await connection.client.call('endpoints.list', {})).endpoints,
      nameOf: ({ name }) => name,
      compare: byName,
      onChanged: () => this._changed.emit()
    });
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
    return this._list.items;
  }

  get isLoading(): boolean {
    return this._list.isLoading;
  }

  get error(): unknown {
    return this._list.error;
  }

  /** How many endpoints do not serve as they should. */
  get troubledCount(): number {
    return this.endpoints.filter(
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
        : new DeployModel(this.connection, () => this.endpoints, given);
    this._changed.emit();
  }

  /** Deploy what the form says, and show the endpoint; false when that was refused. */
  async deploy(): Promise<boolean> {
    const form = this._deployment;
    const endpoint = await form?.deploy();
    if (!endpoint || form !== this._deployment) {
      return false;
    }
    this._list.put(endpoint);
    this.open(endpoint.name);
    return true;
  }

  async delete(name: string): Promise<void> {
    await this.connection.client.call('endpoints.delete', { endpoint: name });
    this._remove(name);
  }

  load(): Promise<void> {
    return this._list.load();
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
        this._list.put(event.data as unknown as Endpoint);
        break;
      case 'endpoint.deleted':
        this._remove(event.subject);
        break;
    }
  }

  private _remove(name: string): void {
    if (this._selected?.name === name) {
      this.open(null);
    }
    this._list.remove(name);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _watches = new Map<string, EndpointWatch>();
  private readonly _list: LiveList<Endpoint>;
  private _selected: EndpointWatch | null = null;
  private _deployment: DeployModel | null = null;
  private _isDisposed = false;
}

function byName(a: Endpoint, b: Endpoint): number {
  return a.name.localeCompare(b.name);
}
