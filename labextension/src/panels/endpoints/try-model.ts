import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import type {
  JsonValue,
  ModelVersion,
  PredictAnswer,
  Revision
} from '../../api/types';
import { exampleOf, formOf, parse, rowOf, textOf } from './request';
import type { IRequestForm, ValueProblem } from './request';

/** Asking an endpoint by hand: what is filled in, and what was answered. */
export class TryModel implements IDisposable {
  constructor(
    private readonly _client: ApiClient,
    readonly endpoint: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The version whose signature is shown; null: not read yet, or it is gone. */
  get version(): ModelVersion | null {
    return this._version;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  /** The fields of one row; null where only JSON will do. */
  get form(): IRequestForm | null {
    return this._form;
  }

  get isJson(): boolean {
    return this._isJson || this._form === null;
  }

  /** The text of each field. */
  get texts(): readonly string[] {
    return this._texts;
  }

  /** The request as JSON text. */
  get json(): string {
    return this._json;
  }

  /** Why fields are no values, by index. */
  get problems(): ReadonlyMap<number, ValueProblem> {
    const problems = new Map<number, ValueProblem>();
    if (!this.isJson) {
      this._form?.columns.forEach((column, i) => {
        const parsed = parse(column, this._texts[i]);
        if ('problem' in parsed) {
          problems.set(i, parsed.problem);
        }
      });
    }
    return problems;
  }

  /** What would be sent; undefined where something is no value. */
  get inputs(): JsonValue | undefined {
    const form = this._form;
    if (this.isJson || form === null) {
      try {
        return JSON.parse(this._json) as JsonValue;
      } catch {
        return undefined;
      }
    }
    const values = form.columns.map((column, i) =>
      parse(column, this._texts[i])
    );
    return values.every(parsed => 'value' in parsed)
      ? [
          rowOf(
            form,
            values.map(parsed => parsed.value)
          )
        ]
      : undefined;
  }

  get answer(): PredictAnswer | null {
    return this._answer;
  }

  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show the form of a revision's model. What was typed stays as long as it fits. */
  async show(revision: Revision | null): Promise<void> {
    const key = revision ? `${revision.model}/${revision.version}` : '';
    if (key === this._key) {
      return;
    }
    this._key = key;
    this._isLoading = true;
    this._emit();
    let version: ModelVersion | null = null;
    try {
      version = revision
        ? await this._client.call('models.version', {
            model: revision.model,
            version: String(revision.version)
          })
        : null;
    } catch {
      // It was deleted from the registry: rows can still be sent as JSON.
    }
    if (key !== this._key) {
      return;
    }
    this._isLoading = false;
    this._accept(version);
    this._emit();
  }

  /** Fill the fields with an example row. */
  useRow(index: number): void {
    this._texts = (this._form?.rows[index] ?? []).map(textOf);
    this._emit();
  }

  setText(index: number, text: string): void {
    this._texts = this._texts.map((old, i) => (i === index ? text : old));
    this._emit();
  }

  setJson(text: string): void {
    this._json = text;
    this._emit();
  }

  /** Change between fields and JSON; the fields' values go along. */
  setIsJson(isJson: boolean): void {
    const inputs = this.inputs;
    if (isJson && !this.isJson && inputs !== undefined) {
      this._json = pretty(inputs);
    }
    this._isJson = isJson;
    this._emit();
  }

  /** Send what is filled in. Never rejects: what went wrong is `error`. */
  async send(): Promise<void> {
    const { inputs } = this;
    if (inputs === undefined || this._isBusy) {
      return;
    }
    this._isBusy = true;
    this._error = null;
    this._emit();
    try {
      this._answer = await this._client.call(
        'endpoints.predict',
        { endpoint: this.endpoint },
        { inputs }
      );
    } catch (error) {
      this._answer = null;
      this._error = error;
    }
    this._isBusy = false;
    this._emit();
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _accept(version: ModelVersion | null): void {
    const form = version && formOf(version);
    const before = JSON.stringify(this._form?.columns);
    const isAnother = JSON.stringify(form?.columns) !== before;
    this._version = version;
    this._form = form;
    if (isAnother || this._json === '') {
      this._texts = (form?.rows[0] ?? []).map(textOf);
      this._json = pretty(exampleOf(version));
      this._answer = this._error = null;
    }
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _key: string | null = null;
  private _version: ModelVersion | null = null;
  private _form: IRequestForm | null = null;
  private _texts: readonly string[] = [];
  private _json = '';
  private _answer: PredictAnswer | null = null;
  private _error: unknown = null;
  private _isJson = false;
  private _isBusy = false;
  private _isLoading = true;
  private _isDisposed = false;
}

/** JSON for people: a row a line. */
export function pretty(value: JsonValue): string {
  return Array.isArray(value) && value.length > 0
    ? `[\n${value.map(row => `  ${JSON.stringify(row)}`).join(',\n')}\n]`
    : JSON.stringify(value, null, 2);
}
