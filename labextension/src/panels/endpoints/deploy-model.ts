import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type {
  DeployRequest,
  Endpoint,
  ModelVersion,
  RegisteredModel
} from '../../api/types';

/** What a user fills in to serve a model version. */
export interface IDeployDraft {
  model: string;

  /** Which version: '' for the latest, '@alias', or '/3'. */
  reference: string;

  /** Name of the endpoint; null: that of the model. */
  endpoint: string | null;

  /** Percent for the new revision, where the endpoint exists; null: not decided. */
  traffic: number | null;

  /** Code that is stored in the model may run. */
  isTrusted: boolean;
}

/** The field of a draft that cannot be taken as it is. */
export type DeployProblems = Partial<
  Record<keyof IDeployDraft, 'missing' | 'bad-name' | 'unknown' | 'not-trusted'>
>;

/** A version or alias that can be chosen. */
export interface IVersionChoice {
  reference: string;
  version: ModelVersion;
}

/** Serving a model version: what there is to choose from, and what has been filled in so far. */
export class DeployModel implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    private readonly _endpoints: () => readonly Endpoint[],
    given: Partial<IDeployDraft> = {}
  ) {
    this._draft = { ...EMPTY, ...given };
    this.loaded = this._load();
  }

  /** Settled when the models have been read, or could not be. */
  readonly loaded: Promise<void>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): IDeployDraft {
    return this._draft;
  }

  get models(): readonly RegisteredModel[] {
    return this._models;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  /** Why the models could not be read, or the model not be deployed. */
  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  /** What can be chosen of the model: the latest version, its aliases, each version. */
  get choices(): readonly IVersionChoice[] {
    return choicesOf(this._model);
  }

  /** The version that would be served. */
  get version(): ModelVersion | null {
    const { reference } = this._draft;
    return (
      this.choices.find(choice => choice.reference === reference)?.version ??
      null
    );
  }

  /** The name of the endpoint as it would be. */
  get endpointName(): string {
    return this._draft.endpoint ?? this._draft.model;
  }

  /** The endpoint that would get a new revision; null: a new one is made. */
  get existing(): Endpoint | null {
    const name = this.endpointName;
    return this._endpoints().find(endpoint => endpoint.name === name) ?? null;
  }

  /** Whether somebody shares the traffic with the new revision. */
  get isShared(): boolean {
    return this.existing?.traffic.some(part => part.percent > 0) ?? false;
  }

  /** Percent for the new revision. */
  get traffic(): number {
    return this.isShared ? (this._draft.traffic ?? CANARY_PERCENT) : 100;
  }

  /** Whether serving the version runs code that is stored in it. */
  get runsCode(): boolean {
    const format = this.version?.format;
    return format === 'python' || format === 'pickle';
  }

  get problems(): DeployProblems {
    const problems: DeployProblems = {};
    if (this._draft.model === '') {
      problems.model = 'missing';
    } else if (!this._isLoading && !this._model) {
      problems.model = 'unknown';
    } else if (!this._isLoading && !this.version) {
      problems.reference = 'unknown';
    }
    if (this.endpointName !== '' && !NAME.test(this.endpointName)) {
      problems.endpoint = 'bad-name';
    }
    if (this.runsCode && !this._draft.isTrusted) {
      problems.isTrusted = 'not-trusted';
    }
    return problems;
  }

  get canDeploy(): boolean {
    return (
      !this._isBusy &&
      this.version !== null &&
      Object.keys(this.problems).length === 0
    );
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Fill in a field; another model begins with its latest version. */
  edit(change: Partial<IDeployDraft>): void {
    const isOther =
      change.model !== undefined && change.model !== this._draft.model;
    this._draft = {
      ...this._draft,
      ...(isOther ? { reference: '', isTrusted: false } : {}),
      ...(change.reference !== undefined ? { isTrusted: false } : {}),
      ...change
    };
    this._emit();
  }

  /** What is sent. Traffic moves when the new revision is ready, and nobody waits for that here. */
  get request(): DeployRequest {
    const { model, reference, isTrusted } = this._draft;
    return {
      model: model + reference,
      name: this.endpointName,
      traffic: this.traffic,
      trust_pickle: this.runsCode && isTrusted,
      wait_s: 0
    };
  }

  /** Deploy; null when that was refused: `error` says why. */
  async deploy(): Promise<Endpoint | null> {
    this._isBusy = true;
    this._error = null;
    this._emit();
    try {
      return await this._connection.client.call(
        'endpoints.deploy',
        {},
        this.request
      );
    } catch (error) {
      this._error = error;
      return null;
    } finally {
      this._isBusy = false;
      this._emit();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async _load(): Promise<void> {
    try {
      const { models } = await this._connection.client.call('models.list', {});
      this._models = models
        .filter(model => model.versions.length > 0)
        .sort((a, b) => a.name.localeCompare(b.name));
      if (this._draft.model === '' && this._models.length === 1) {
        this._draft = { ...this._draft, model: this._models[0].name };
      }
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    this._isLoading = false;
    this._emit();
  }

  private get _model(): RegisteredModel | null {
    return this._models.find(({ name }) => name === this._draft.model) ?? null;
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _draft: IDeployDraft;
  private _models: readonly RegisteredModel[] = [];
  private _error: unknown = null;
  private _isLoading = true;
  private _isBusy = false;
  private _isDisposed = false;
}

function choicesOf(model: RegisteredModel | null): IVersionChoice[] {
  if (!model) {
    return [];
  }
  const versions = [...model.versions].sort((a, b) => b.version - a.version);
  const byNumber = new Map(versions.map(found => [found.version, found]));
  const latest = byNumber.get(model.latest_version ?? -1) ?? versions[0];
  const choices: IVersionChoice[] = latest
    ? [{ reference: '', version: latest }]
    : [];
  for (const alias of Object.keys(model.aliases).sort()) {
    const version = byNumber.get(model.aliases[alias]);
    if (version) {
      choices.push({ reference: `@${alias}`, version });
    }
  }
  for (const version of versions) {
    choices.push({ reference: `/${version.version}`, version });
  }
  return choices;
}

const EMPTY: IDeployDraft = {
  model: '',
  reference: '',
  endpoint: null,
  traffic: null,
  isTrusted: false
};

/** What a new revision gets beside another unless somebody decides: enough to see how it does. */
const CANARY_PERCENT = 10;

/** As in `resources.base`. */
const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
