import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { LiveList } from '../../api/live-list';
import type {
  ClusterStatus,
  Event,
  PlacedServer,
  ServerHistory,
  ServerState
} from '../../api/types';
import { keyOf } from './facts';
import { ServerForm } from './form-model';

/** The list of notebook servers, live, the one that is open with what happened to it, and the form. */
export class ServersModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this._list = new LiveList<PlacedServer>({
      load: async () => {
        const answer = await connection.client.call('servers.list', {});
        this._clusters = answer.clusters;
        return answer.servers;
      },
      nameOf: keyOf,
      compare: byName,
      onChanged: () => this._changed.emit()
    });
    this._poll = new Poll({
      name: 'mlplat:server-events',
      auto: false,
      frequency: { interval: LOOK_MS, backoff: true, max: 60_000 },
      standby: () => document.hidden || this._open === null,
      factory: () => this._loadHistory()
    });
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The list, the selection, its history or the form changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All servers one may see, by name. */
  get servers(): readonly PlacedServer[] {
    return this._list.items;
  }

  /** The clusters that are configured; null: not known yet. */
  get clusters(): readonly ClusterStatus[] | null {
    return this._clusters;
  }

  get isLoading(): boolean {
    return this._list.isLoading;
  }

  get error(): unknown {
    return this._list.error;
  }

  /** How many servers failed. */
  get troubledCount(): number {
    return this.servers.filter(({ state }) => state === 'FAILED').length;
  }

  /** The server that is open. */
  get selected(): PlacedServer | null {
    return this._open === null ? null : this.find(this._open);
  }

  /** What has happened to the open server; null: not known yet. */
  get history(): ServerHistory | null {
    return this._history;
  }

  /** Whether the log of the open server is shown. */
  get isLogShown(): boolean {
    return this._isLogShown;
  }

  /** The form of a new server, while it is open. */
  get form(): ServerForm | null {
    return this._form;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Find a server by its key; by its name alone where no other cluster has one of that name. */
  find(key: string): PlacedServer | null {
    const found = this.servers.filter(
      server => keyOf(server) === key || server.name === key
    );
    return found.length === 1 ? found[0] : this._list.find(key);
  }

  /** Whether something that was asked of a server has not been answered yet. */
  isBusy(server: PlacedServer): boolean {
    return this._busy.has(keyOf(server));
  }

  /** Open a server; null goes back to the list. */
  open(key: string | null): void {
    this._setForm(null);
    const found = key === null ? null : this.find(key);
    const next = found ? keyOf(found) : key;
    if (next !== this._open) {
      this._open = next;
      this._history = null;
      this._isLogShown = false;
      if (next === null) {
        void this._poll.stop();
      } else {
        void this._poll.start();
        void this._poll.refresh();
      }
    }
    this._changed.emit();
  }

  /** Show what the open server writes, or show it no longer. */
  showLog(isShown: boolean): void {
    this._isLogShown = isShown;
    this._changed.emit();
  }

  /** Begin a new server. */
  compose(place: string | null = null): void {
    const clusters = this._clusters ?? [];
    const offered = clusters.map(({ name }) => name);
    this._setForm(
      new ServerForm(
        this.connection,
        offered,
        place ?? offered[0] ?? '',
        (place, name) => this._list.find(keyOf({ place, name })) !== null
      )
    );
  }

  putFormAway(): void {
    this._setForm(null);
  }

  /** Create what the form says, and show the server; false when that was refused. */
  async create(): Promise<boolean> {
    const form = this._form;
    const server = await form?.create();
    if (!server || form !== this._form) {
      return false;
    }
    this._list.put(server);
    this.open(keyOf(server));
    return true;
  }

  /** Start a server, or wake it. Shown at once, and taken back when it is refused. */
  start(key: string): Promise<void> {
    return this._change(key, 'PENDING', 'Starting', 'servers.start');
  }

  /** Stop a server: its home stays, what it holds is free for others. */
  stop(key: string): Promise<void> {
    return this._change(key, 'STOPPING', 'Stopping', 'servers.stop');
  }

  /** Delete a server; with `isAll`, its volumes as well. It stays in the list until it is gone. */
  async delete(key: string, isAll: boolean): Promise<void> {
    await this._assume(key, 'STOPPING', 'Deleting', async ({ name, place }) => {
      await this.connection.client.call(
        'servers.delete',
        { server: name },
        undefined,
        { query: { place, volumes: isAll } }
      );
      return null;
    });
  }

  load(): Promise<void> {
    return this._list.load();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._poll.dispose();
    this._form?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _change(
    key: string,
    state: ServerState,
    reason: string,
    route: 'servers.start' | 'servers.stop'
  ): Promise<void> {
    return this._assume(key, state, reason, ({ name, place }) =>
      this.connection.client.call(route, { server: name }, undefined, {
        query: { place }
      })
    );
  }

  /** Show a server as it will be, ask for that, and show what came of it. */
  private async _assume(
    key: string,
    state: ServerState,
    reason: string,
    ask: (server: PlacedServer) => Promise<PlacedServer | null>
  ): Promise<void> {
    const before = this.find(key);
    const [place, name] = before
      ? [before.place, before.name]
      : placeAndName(key);
    const target = before ?? ({ place, name } as PlacedServer);
    const assumed = before && { ...before, state, reason, message: '' };
    this._busy.add(key);
    if (assumed) {
      this._list.put(assumed);
    }
    try {
      const answer = await ask(target);
      if (answer) {
        this._list.put(answer);
      }
    } catch (error) {
      // What the engine has told meanwhile is newer than what was before.
      if (before && this._list.find(keyOf(before)) === assumed) {
        this._list.put(before);
      }
      throw error;
    } finally {
      this._busy.delete(key);
      this._changed.emit();
    }
  }

  private async _loadHistory(): Promise<void> {
    const key = this._open;
    if (key === null) {
      return;
    }
    const [place, name] = placeAndName(key);
    const history = await this.connection.client.call(
      'servers.events',
      { server: name },
      undefined,
      { query: { place } }
    );
    if (key === this._open && !this._isDisposed) {
      this._history = history;
      this._changed.emit();
    }
  }

  private _setForm(form: ServerForm | null): void {
    this._form?.dispose();
    this._form = form;
    this._changed.emit();
  }

  private _onReset(): void {
    void this.load();
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'server.updated': {
        const server = event.data as unknown as PlacedServer;
        this._list.put(server);
        if (keyOf(server) === this._open) {
          void this._poll.refresh();
        }
        break;
      }
      case 'server.deleted':
        if (this._open === event.subject) {
          this.open(null);
        }
        this._list.remove(event.subject);
        break;
      case 'cluster.updated':
        void this.load();
        break;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _list: LiveList<PlacedServer>;
  private readonly _poll: Poll;
  private readonly _busy = new Set<string>();
  private _clusters: readonly ClusterStatus[] | null = null;
  private _open: string | null = null;
  private _history: ServerHistory | null = null;
  private _isLogShown = false;
  private _form: ServerForm | null = null;
  private _isDisposed = false;
}

function placeAndName(key: string): [place: string, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, Math.max(0, at)), key.slice(at + 1)];
}

function byName(a: PlacedServer, b: PlacedServer): number {
  return a.name.localeCompare(b.name) || a.place.localeCompare(b.place);
}

/** What a cluster says of a server that starts changes about as often. */
const LOOK_MS = 4000;
