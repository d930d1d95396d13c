import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { ApiError } from '../../api/client';
import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type {
  Event,
  ModelChange,
  ModelImpact,
  ModelVersion,
  RegisterRequest,
  RegisteredModel
} from '../../api/types';
import { Registration } from './registration';
import type { ILogged, IRegistrationDraft } from './registration';
import { ModelWatch } from './watch';

/** What the list is sorted by. */
export type ModelSort = 'changed' | 'name' | 'versions';

export interface IModelFilter {
  text: string;
  sort: ModelSort;
}

/** The registered models, live, the one that is open, and the form that registers another. */
export class ModelsModel implements IDisposable {
  constructor(readonly connection: Connection) {
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The list, the filter, the selection or the form changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The models that match the filter, in the order that is asked for. */
  get models(): readonly RegisteredModel[] {
    const { text, sort } = this._filter;
    return [...this._known.values()]
      .filter(model => matches(model, text))
      .sort(ORDERS[sort]);
  }

  /** How many models there are, whatever the filter shows. */
  get count(): number {
    return this._known.size;
  }

  get filter(): IModelFilter {
    return this._filter;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  /** The model that is open. */
  get selected(): ModelWatch | null {
    return this._selected;
  }

  /** The form for a new version, while it is open. */
  get registration(): Registration | null {
    return this._registration;
  }

  /** What the newest run logged that could be registered; looked for while there is no model. */
  get suggestion(): ILogged | null {
    return this._suggestion;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  find(name: string): RegisteredModel | null {
    return this._known.get(name) ?? null;
  }

  setFilter(filter: Partial<IModelFilter>): void {
    this._filter = { ...this._filter, ...filter };
    this._changed.emit();
  }

  /** Open a model, at one of its versions; null goes back to the list. */
  open(name: string | null, version: number | null = null): void {
    this.compose(null);
    if (name !== (this._selected?.name ?? null)) {
      this._selected?.dispose();
      this._selected =
        name === null
          ? null
          : new ModelWatch(this.connection, name, () => this.find(name));
      this._selected?.changed.connect(() => this._changed.emit(), this);
    }
    if (version !== null) {
      this._selected?.choose(version);
    }
    this._changed.emit();
  }

  /** Begin to register with what is known so far; null puts the form away. */
  compose(given: Partial<IRegistrationDraft> | null): void {
    this._registration?.dispose();
    this._registration =
      given === null
        ? null
        : new Registration(this.connection, given, name => this.find(name));
    this._changed.emit();
  }

  /** Make a model version out of what a run logged, and show it. */
  async register(request: RegisterRequest): Promise<ModelVersion> {
    const made = await this.connection.client.call(
      'models.register',
      {},
      request
    );
    await this._refresh(made.model);
    this.open(made.model, made.version);
    return made;
  }

  /** Point an alias at a version, or remove it: shown at once, taken back if it is refused. */
  async setAlias(
    model: string,
    alias: string,
    version: number | null
  ): Promise<void> {
    const { client } = this.connection;
    const segments = { model, alias };
    await this._change(
      model,
      known => withAlias(known, alias, version),
      () =>
        version === null
          ? client.call('models.delete_alias', segments)
          : client.call('models.set_alias', segments, { version })
    );
  }

  /** Take back the last move of an alias; says which, or null where there is none. */
  async undoAlias(model: string): Promise<ModelChange | null> {
    const { changes } = await this.connection.client.call(
      'models.history',
      { model },
      undefined,
      { query: { limit: UNDO_LOOK } }
    );
    const last = changes.find(({ kind }) => kind === 'alias') ?? null;
    if (last?.alias) {
      await this.setAlias(model, last.alias, last.from_version);
    }
    return last;
  }

  /** Change what is said of a model: shown at once, taken back if it is refused. */
  async describe(model: string, description: string): Promise<void> {
    await this._change(
      model,
      known => ({ ...known, description }),
      () =>
        this.connection.client.call('models.update', { model }, { description })
    );
  }

  /** Ask what would break if a model, or one version, were deleted. */
  impact(model: string, version: number | null): Promise<ModelImpact> {
    return this.connection.client.call('models.impact', { model }, undefined, {
      query: { version }
    });
  }

  async deleteVersion(
    model: string,
    version: number,
    force: boolean
  ): Promise<void> {
    const left = await this.connection.client.call(
      'models.delete_version',
      { model, version: String(version) },
      undefined,
      { query: { force } }
    );
    this._put(left);
  }

  async delete(model: string, force: boolean): Promise<void> {
    await this.connection.client.call('models.delete', { model }, undefined, {
      query: { force }
    });
    this._remove(model);
  }

  async load(): Promise<void> {
    const turn = ++this._turn;
    this._isLoading = true;
    this._changed.emit();
    try {
      const { models } = await this.connection.client.call('models.list', {});
      if (turn !== this._turn) {
        return;
      }
      this._known = new Map(models.map(model => [model.name, model]));
      this._error = null;
    } catch (error) {
      if (turn !== this._turn) {
        return;
      }
      this._error = error;
    }
    this._isLoading = false;
    this._changed.emit();
    void this._suggest();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._selected?.dispose();
    this._registration?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _change(
    name: string,
    foresee: (model: RegisteredModel) => RegisteredModel,
    call: () => Promise<RegisteredModel>
  ): Promise<void> {
    const before = this.find(name);
    const foreseen = before && foresee(before);
    if (foreseen) {
      this._put(foreseen);
    }
    try {
      this._put(await call());
    } catch (error) {
      if (before && this.find(name) === foreseen) {
        this._put(before);
      }
      throw error;
    }
    void this._selected?.loadHistory();
  }

  private _onReset(): void {
    void this.load();
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'model.updated':
        void this._refresh(event.subject);
        break;
      case 'model.deleted':
        this._remove(event.subject);
        break;
      case 'run.updated':
        if (this.count === 0 && event.data.state === 'SUCCEEDED') {
          void this._suggest();
        }
        break;
    }
  }

  /** Read one model anew; events that come while it is read make for one more reading. */
  private async _refresh(name: string): Promise<void> {
    if (this._reading.has(name)) {
      this._reading.set(name, true);
      return;
    }
    try {
      do {
        this._reading.set(name, false);
        this._put(
          await this.connection.client.call('models.get', { model: name })
        );
      } while (this._reading.get(name));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'not-found') {
        this._remove(name);
      }
    } finally {
      this._reading.delete(name);
    }
    if (this._selected?.name === name) {
      void this._selected.loadHistory();
    }
  }

  private async _suggest(): Promise<void> {
    let found: ILogged | null = null;
    if (this.count === 0 && this._error === null) {
      const { client } = this.connection;
      try {
        const [run] = (await client.listRuns({ limit: 1 })).runs;
        if (run) {
          const { models } = await client.call('runs.models', { run: run.id });
          found = models.length > 0 ? { run, models } : null;
        }
      } catch {
        // The empty state teaches without it.
      }
    }
    if (found !== this._suggestion) {
      this._suggestion = found;
      this._changed.emit();
    }
  }

  private _put(model: RegisteredModel): void {
    this._known.set(model.name, model);
    this._selected?.accept();
    this._changed.emit();
  }

  private _remove(name: string): void {
    this._known.delete(name);
    if (this._selected?.name === name) {
      this.open(null);
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _reading = new Map<string, boolean>();
  private _known = new Map<string, RegisteredModel>();
  private _filter: IModelFilter = { text: '', sort: 'changed' };
  private _selected: ModelWatch | null = null;
  private _registration: Registration | null = null;
  private _suggestion: ILogged | null = null;
  private _error: unknown = null;
  private _turn = 0;
  private _isLoading = false;
  private _isDisposed = false;
}

/** The model as it will be once an alias has moved; null removes the alias. */
export function withAlias(
  model: RegisteredModel,
  alias: string,
  version: number | null
): RegisteredModel {
  const aliases = { ...model.aliases };
  if (version === null) {
    delete aliases[alias];
  } else {
    aliases[alias] = version;
  }
  return {
    ...model,
    aliases,
    versions: model.versions.map(found => ({
      ...found,
      aliases: Object.keys(aliases)
        .filter(name => aliases[name] === found.version)
        .sort()
    }))
  };
}

/** When a model got its newest version. */
export function lastChange(model: RegisteredModel): string {
  return (
    model.versions[model.versions.length - 1]?.created_at ?? model.created_at
  );
}

function matches(model: RegisteredModel, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return (
    wanted === '' ||
    [model.name, model.description, ...Object.keys(model.aliases)].some(field =>
      field.toLowerCase().includes(wanted)
    )
  );
}

const byName = (a: RegisteredModel, b: RegisteredModel) =>
  a.name < b.name ? -1 : 1;

const ORDERS: Record<
  ModelSort,
  (a: RegisteredModel, b: RegisteredModel) => number
> = {
  name: byName,
  changed: (a, b) =>
    Date.parse(lastChange(b)) - Date.parse(lastChange(a)) || byName(a, b),
  versions: (a, b) => b.versions.length - a.versions.length || byName(a, b)
};

/** Among so many changes the last move of an alias is looked for. */
const UNDO_LOOK = 200;
