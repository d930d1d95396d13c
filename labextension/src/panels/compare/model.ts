import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import { RunWatch } from '../../api/run-watch';
import type { ICompared } from './facts';

/** Some runs side by side, live; one of them is what the others are measured against. */
export class CompareModel implements IDisposable {
  constructor(
    readonly connection: Connection,
    ids: readonly string[]
  ) {
    this.watches = ids.map(id => new RunWatch(connection, id));
    for (const watch of this.watches) {
      watch.changed.connect(this._onChanged, this);
    }
  }

  readonly watches: readonly RunWatch[];

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Those runs that are loaded, in the order they were chosen. */
  get runs(): ICompared[] {
    return this.watches.flatMap(({ run, pipeline, metrics }) =>
      run ? [{ run, pipeline, metrics }] : []
    );
  }

  get isLoading(): boolean {
    return this.watches.some(({ run, error }) => !run && error === null);
  }

  /** Why a run cannot be shown, such as that it was deleted. */
  get errors(): unknown[] {
    return this.watches.flatMap(({ error }) => (error === null ? [] : [error]));
  }

  /** Place of the run that the others are measured against. */
  get baseline(): number {
    return Math.min(this._baseline, Math.max(0, this.runs.length - 1));
  }

  setBaseline(index: number): void {
    this._baseline = index;
    this._changed.emit();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.watches.forEach(watch => watch.dispose());
      Signal.clearData(this);
    }
  }

  private _onChanged(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _baseline = 0;
  private _isDisposed = false;
}
