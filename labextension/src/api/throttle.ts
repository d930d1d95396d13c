import type { IDisposable } from '@lumino/disposable';

/**
 * Runs an action at once when asked, and again at most every `intervalMs` while asked more often; the
 * last request is never lost, and two never overlap.
 */
export class Throttle implements IDisposable {
  constructor(
    private readonly _action: () => Promise<void>,
    private readonly _intervalMs: number
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  request(): void {
    if (this._isBusy) {
      this._isAskedAgain = true;
    } else {
      void this._run();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  private async _run(): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    this._isBusy = true;
    this._isAskedAgain = false;
    await this._action();
    this._timer = setTimeout(() => {
      this._isBusy = false;
      if (this._isAskedAgain) {
        void this._run();
      }
    }, this._intervalMs);
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isBusy = false;
  private _isAskedAgain = false;
  private _isDisposed = false;
}
