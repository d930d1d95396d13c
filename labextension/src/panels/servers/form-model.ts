import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { PlacedServer, ServerKind, ServerOffer } from '../../api/types';
import {
  newServerDraft,
  serverProblems,
  serverRequest,
  withKind
} from './draft';
import type { IServerDraft, ServerProblems } from './draft';

/** A server in the making: what the cluster offers, and what was chosen of it. */
export class ServerForm implements IDisposable {
  /**
   * @param clusters - The names of those that are configured.
   * @param place - The one to begin with.
   * @param _isTaken - Whether there is a server of that name on that cluster.
   */
  constructor(
    private readonly _connection: Connection,
    readonly clusters: readonly string[],
    place: string,
    private readonly _isTaken: (place: string, name: string) => boolean
  ) {
    this._draft = newServerDraft(place, this._freeName(place));
    void this.load();
  }

  /** The draft, what is offered, or a problem changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): IServerDraft {
    return this._draft;
  }

  /** What the cluster offers; null: not known yet. */
  get offer(): ServerOffer | null {
    return this._offer;
  }

  /** The kinds to choose from, as their administrator ranks them. */
  get kinds(): readonly ServerKind[] {
    return (this._offer?.kinds ?? []).filter(({ hidden }) => !hidden);
  }

  get kind(): ServerKind | null {
    return this.kinds.find(({ name }) => name === this._draft.kind) ?? null;
  }

  get problems(): ServerProblems {
    const { place, name } = this._draft;
    return serverProblems(this._draft, this.kind, this._isTaken(place, name));
  }

  /** Why the cluster does not say what it offers, or what it refused. */
  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  get canCreate(): boolean {
    return !this._isBusy && Object.keys(this.problems).length === 0;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  edit(change: Partial<IServerDraft>): void {
    const before = this._draft;
    this._draft = { ...before, ...change };
    this._error = null;
    if (this._draft.place !== before.place) {
      this._offer = null;
      void this.load();
    } else if (this._draft.kind !== before.kind && this.kind) {
      this._draft = withKind(this._draft, this.kind);
    }
    this._changed.emit();
  }

  /** Ask the cluster what it offers. */
  async load(): Promise<void> {
    const { place } = this._draft;
    try {
      const offer = await this._connection.client.call(
        'server_kinds.list',
        {},
        undefined,
        { query: { place } }
      );
      if (place !== this._draft.place) {
        return;
      }
      this._offer = offer;
      const first = this.kinds[0];
      if (this.kind === null && first) {
        this._draft = withKind(this._draft, first);
      }
    } catch (error) {
      this._error = error;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  /** Create the server; null when that was refused. */
  async create(): Promise<PlacedServer | null> {
    if (!this.canCreate) {
      return null;
    }
    this._isBusy = true;
    this._error = null;
    this._changed.emit();
    try {
      return await this._connection.client.call(
        'servers.create',
        {},
        serverRequest(this._draft),
        { query: { place: this._draft.place } }
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
    Signal.clearData(this);
  }

  private _freeName(place: string): string {
    let name = FIRST_NAME;
    for (let count = 2; this._isTaken(place, name); count++) {
      name = `${FIRST_NAME}-${count}`;
    }
    return name;
  }

  private readonly _changed = new Signal<this, void>(this);
  private _draft: IServerDraft;
  private _offer: ServerOffer | null = null;
  private _error: unknown = null;
  private _isBusy = false;
  private _isDisposed = false;
}

const FIRST_NAME = 'lab';
