import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Trial, TrialState } from '../../api/types';
import { filtered, sorted } from './facts';
import type { TrialColumn } from './facts';

/** How the table of trials is read: which of them, in which order. */
export class TrialView implements IDisposable {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get column(): TrialColumn {
    return this._column;
  }

  get isDescending(): boolean {
    return this._isDescending;
  }

  /** Only those in this state; empty: all. */
  get state(): TrialState | '' {
    return this._state;
  }

  get text(): string {
    return this._text;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The rows there are, in order. The same trials give the same rows. */
  rows(trials: readonly Trial[]): readonly Trial[] {
    const of = [
      trials,
      this._column,
      this._isDescending,
      this._state,
      this._text
    ];
    if (!this._of || of.some((one, index) => one !== this._of?.[index])) {
      this._of = of;
      this._rows = sorted(
        filtered(trials, this._state, this._text),
        this._column,
        this._isDescending
      );
    }
    return this._rows;
  }

  /** Sort by a column; by the same once more: the other way round. */
  sortBy(column: TrialColumn, isDescending = false): void {
    this._isDescending =
      column === this._column ? !this._isDescending : isDescending;
    this._column = column;
    this._changed.emit();
  }

  narrow(change: { state?: TrialState | ''; text?: string }): void {
    this._state = change.state ?? this._state;
    this._text = change.text ?? this._text;
    this._changed.emit();
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private readonly _changed = new Signal<this, void>(this);
  private _column: TrialColumn = 'number';
  private _isDescending = true;
  private _state: TrialState | '' = '';
  private _text = '';
  private _rows: readonly Trial[] = [];
  private _of: readonly unknown[] | null = null;
  private _isDisposed = false;
}
