import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type {
  Artifact,
  RegisterRequest,
  RegisteredModel,
  RunSummary
} from '../../api/types';

/** A run with the models that it logged. */
export interface ILogged {
  run: Pick<RunSummary, 'id' | 'number' | 'pipeline'>;
  models: readonly Artifact[];
}

/** What the form says; names that are null are still to be chosen. */
export interface IRegistrationDraft {
  run: string | null;
  loggedAs: string | null;
  model: string;
  description: string;
  aliases: readonly string[];
}

/** What is wrong with a draft, by field. */
export type RegistrationProblems = Partial<
  Record<'run' | 'loggedAs' | 'model' | 'aliases', true>
>;

/** The form that makes a model version out of what a run logged. */
export class Registration implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    given: Partial<IRegistrationDraft>,
    private readonly _find: (name: string) => RegisteredModel | null
  ) {
    this._isNamed = !!given.model;
    this._draft = { ...EMPTY, ...given };
    void this._load();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draft(): IRegistrationDraft {
    return this._draft;
  }

  /** The newest runs that have ended well. */
  get runs(): readonly RunSummary[] {
    return this._runs;
  }

  /** What the chosen run logged; null while it is read. */
  get logged(): readonly Artifact[] | null {
    return this._logged;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  /** The model that gets another version; null for a new one. */
  get existing(): RegisteredModel | null {
    return this._find(this._draft.model);
  }

  get problems(): RegistrationProblems {
    const { run, loggedAs, model, aliases } = this._draft;
    return {
      ...(run === null ? { run: true } : {}),
      ...(loggedAs === null ? { loggedAs: true } : {}),
      ...(NAME.test(model) ? {} : { model: true }),
      ...(aliases.every(alias => ALIAS.test(alias)) ? {} : { aliases: true })
    };
  }

  get canRegister(): boolean {
    return Object.keys(this.problems).length === 0 && !this._isBusy;
  }

  get request(): RegisterRequest {
    const { run, loggedAs, model, description, aliases } = this._draft;
    return {
      model,
      run_id: run,
      logged_as: loggedAs,
      description: description.trim(),
      aliases: [...new Set(aliases)]
    };
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  edit(change: Partial<IRegistrationDraft>): void {
    const isOtherRun =
      change.run !== undefined && change.run !== this._draft.run;
    this._isNamed = this._isNamed || change.model !== undefined;
    this._draft = { ...this._draft, ...change };
    this._error = null;
    if (isOtherRun) {
      this._draft = { ...this._draft, loggedAs: null };
      void this._loadLogged();
    } else if (change.loggedAs) {
      this._suggestName(change.loggedAs);
    }
    this._changed.emit();
  }

  /** Do what the form says with `register`; what is refused is told in the form. */
  async submit(
    register: (request: RegisterRequest) => Promise<unknown>
  ): Promise<void> {
    if (!this.canRegister) {
      return;
    }
    this._isBusy = true;
    this._error = null;
    this._changed.emit();
    try {
      await register(this.request);
    } catch (error) {
      this._error = error;
    }
    this._isBusy = false;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async _load(): Promise<void> {
    try {
      const { runs } = await this._connection.client.listRuns({
        limit: SHOWN_RUNS,
        state: 'SUCCEEDED'
      });
      this._runs = runs;
      const { run } = this._draft;
      if (run === null && runs.length > 0) {
        this._draft = { ...this._draft, run: await this._firstWithModel() };
      }
    } catch (error) {
      this._error = error;
    }
    this._isLoading = false;
    await this._loadLogged();
  }

  /** The newest run that logged a model, among the newest few; else the newest. */
  private async _firstWithModel(): Promise<string> {
    for (const { id } of this._runs.slice(0, LOOKED_AT)) {
      const { models } = await this._connection.client.call('runs.models', {
        run: id
      });
      if (models.length > 0) {
        return id;
      }
    }
    return this._runs[0].id;
  }

  private async _loadLogged(): Promise<void> {
    const { run } = this._draft;
    this._logged = null;
    let logged: readonly Artifact[] = [];
    if (run !== null) {
      try {
        const answer = await this._connection.client.call('runs.models', {
          run
        });
        logged = newestOfEach(answer.models);
      } catch (error) {
        this._error = error;
      }
    }
    if (run !== this._draft.run || this._isDisposed) {
      return;
    }
    this._logged = logged;
    const { loggedAs } = this._draft;
    if (!logged.some(({ name }) => name === loggedAs)) {
      const first = logged[0]?.name ?? null;
      this._draft = { ...this._draft, loggedAs: first };
    }
    if (this._draft.loggedAs !== null) {
      this._suggestName(this._draft.loggedAs);
    }
    this._changed.emit();
  }

  /** What it was logged as is a good name, as long as nobody has given another. */
  private _suggestName(loggedAs: string): void {
    if (!this._isNamed) {
      this._draft = { ...this._draft, model: nameFrom(loggedAs) };
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _draft: IRegistrationDraft;
  private _runs: readonly RunSummary[] = [];
  private _logged: readonly Artifact[] | null = null;
  private _isNamed: boolean;
  private _error: unknown = null;
  private _isLoading = true;
  private _isBusy = false;
  private _isDisposed = false;
}

/** Make a name of a model out of any text. */
export function nameFrom(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, 63)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}

/** A name may be logged more than once; the engine takes the last of them. */
function newestOfEach(models: readonly Artifact[]): Artifact[] {
  return [...new Map(models.map(model => [model.name, model])).values()];
}

/** As the engine has them: `NAME_PATTERN` and `Alias` of its documents. */
const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
export const ALIAS = /^[a-z][a-z0-9_-]{0,62}$/;

const EMPTY: IRegistrationDraft = {
  run: null,
  loggedAs: null,
  model: '',
  description: '',
  aliases: []
};

const SHOWN_RUNS = 50;
const LOOKED_AT = 5;
