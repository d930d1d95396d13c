import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Place } from './types';

/** The place that is always there: where the engine runs. */
export const THIS_MACHINE = 'this-machine';

/** Whether a run does not run where the engine does. */
export function isElsewhere({ place }: { place?: string }): boolean {
  return place !== undefined && place !== THIS_MACHINE;
}

/** Where work can run. Asked for when somebody is to choose; most have one place only. */
export class Places {
  constructor(private readonly _ask: () => Promise<readonly Place[]>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All places, this machine first; empty: not known. */
  get all(): readonly Place[] {
    return this._all;
  }

  /** Whether there is anything to choose from. */
  get isChoice(): boolean {
    return this._all.length > 1;
  }

  /** Ask once; where that fails there is nothing to choose from. */
  async load(): Promise<void> {
    if (this._isAsked) {
      return;
    }
    this._isAsked = true;
    try {
      this._all = await this._ask();
    } catch {
      this._isAsked = false; // who looks again may have more luck
    }
    this._changed.emit();
  }

  /** Another engine answers: it may have other places. */
  forget(): void {
    this._isAsked = false;
    if (this._all.length > 0) {
      void this.load();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _all: readonly Place[] = [];
  private _isAsked = false;
}
