import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type {
  Execution,
  ModelChange,
  ModelVersion,
  Pipeline,
  Provenance,
  RegisteredModel,
  Run
} from '../../api/types';
import { firstCompared } from './metrics';

/** What made a version, as far as it is still known. */
export interface IOrigin {
  provenance: Provenance | null;

  /** What ran on the way to it; the step that logged it among them. */
  executions: readonly Execution[];

  run: Run | null;
  pipeline: Pipeline | null;
}

/** One model that is open: the version that is shown, what made it, and what has happened to it. */
export class ModelWatch implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    readonly name: string,
    private readonly _find: () => RegisteredModel | null
  ) {
    void this.loadHistory();
    this.accept();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The model as it is known now; null while it is not. */
  get model(): RegisteredModel | null {
    return this._find();
  }

  /** The version that is shown: the one chosen, else the champion, else the newest. */
  get version(): ModelVersion | null {
    const model = this.model;
    const wanted = [
      this._chosen,
      model?.aliases.champion,
      model?.latest_version
    ];
    for (const number of wanted) {
      const found = model?.versions.find(({ version }) => version === number);
      if (found) {
        return found;
      }
    }
    return model?.versions[model.versions.length - 1] ?? null;
  }

  /** The versions whose metrics stand side by side, in order. */
  get compared(): readonly ModelVersion[] {
    const versions = this.model?.versions ?? [];
    const chosen = this._compared ?? new Set(firstCompared(versions));
    return versions.filter(({ version }) => chosen.has(version));
  }

  /** What made the version that is shown; null while that is read. */
  get origin(): IOrigin | null {
    return this._origin;
  }

  /** Why that could not be read. */
  get originError(): unknown {
    return this._originError;
  }

  /** What has happened to the model, newest first; null while it is read. */
  get history(): readonly ModelChange[] | null {
    return this._history;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show a version. */
  choose(version: number): void {
    this._chosen = version;
    this.accept();
    this._changed.emit();
  }

  /** Take a version into the comparison, or out of it. */
  toggleCompared(version: number): void {
    const chosen = new Set(this.compared.map(found => found.version));
    if (!chosen.delete(version)) {
      chosen.add(version);
    }
    this._compared = chosen;
    this._changed.emit();
  }

  /** The model may have changed: see whether another version is shown now. */
  accept(): void {
    const version = this.version;
    if (version && keyOf(version) !== this._originOf) {
      this._originOf = keyOf(version);
      void this._loadOrigin(version);
    }
  }

  async loadHistory(): Promise<void> {
    const turn = ++this._turn;
    try {
      const { changes } = await this._connection.client.call('models.history', {
        model: this.name
      });
      if (turn !== this._turn || this._isDisposed) {
        return;
      }
      this._history = changes;
      this._error = null;
    } catch (error) {
      if (turn !== this._turn || this._isDisposed) {
        return;
      }
      this._error = error;
    }
    this._changed.emit();
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async _loadOrigin(version: ModelVersion): Promise<void> {
    const { client } = this._connection;
    const id = `models:${version.model}:${version.version}`;
    this._origin = null;
    this._originError = null;
    // A run may have been deleted; what lineage knows is there all the same.
    const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
      asked.catch(() => null);
    let origin: IOrigin | null = null;
    let failure: unknown = null;
    try {
      const [lineage, run, pipeline] = await Promise.all([
        client.call('lineage.get', { id }, undefined, {
          query: { direction: 'upstream' }
        }),
        version.run_id ? orNull(client.getRun(version.run_id)) : null,
        version.run_id ? orNull(client.getPipeline(version.run_id)) : null
      ]);
      const { provenance, executions } = lineage;
      origin = { provenance, executions, run, pipeline };
    } catch (error) {
      failure = error;
    }
    if (this._originOf === keyOf(version) && !this._isDisposed) {
      this._origin = origin;
      this._originError = failure;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _chosen: number | null = null;
  private _compared: ReadonlySet<number> | null = null;
  private _origin: IOrigin | null = null;
  private _originOf: string | null = null;
  private _originError: unknown = null;
  private _history: readonly ModelChange[] | null = null;
  private _error: unknown = null;
  private _turn = 0;
  private _isDisposed = false;
}

/** The same content may come from several runs; what made it is asked of one of them. */
function keyOf(version: ModelVersion): string {
  return `${version.artifact_id}/${version.run_id ?? ''}/${version.version}`;
}
