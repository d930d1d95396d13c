import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import { stripAnsi } from '../../components/ansi';
import { NO_LEVEL, guessLevel } from '../runs/log-level';
import type { ILevelState } from '../runs/log-level';
import { overwrite } from '../runs/log-model';
import type { ILog, ILogLine } from '../runs/log-model';

/** What the server of a revision wrote, or the router: the end of it, followed while it is looked at. */
export class EndpointLogModel implements IDisposable, ILog {
  constructor(
    private readonly _client: ApiClient,
    readonly endpoint: string,
    /** Null: the router. */
    readonly revision: number | null,
    private readonly _maxLines = MAX_LINES
  ) {
    this._poll = new Poll({
      name: 'mlplat:endpoint-log',
      frequency: { interval: INTERVAL_MS, backoff: true, max: 30_000 },
      standby: 'when-hidden',
      factory: () => this._read()
    });
  }

  get title(): string {
    return this.revision === null
      ? this.endpoint
      : `${this.endpoint} #${this.revision}`;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get lines(): readonly ILogLine[] {
    return this._lines;
  }

  get droppedLines(): number {
    return this._dropped;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _read(): Promise<void> {
    try {
      while (await this._readPiece()) {
        // There is more.
      }
      this._error = null;
    } catch (error) {
      this._error = error;
      throw error; // so that the poll backs off
    } finally {
      if (this._isLoading || this._error !== null) {
        this._isLoading = false;
        this._emit();
      }
    }
  }

  /** Read on from where we are; tell whether there is more. */
  private async _readPiece(): Promise<boolean> {
    const response = await this._client.call(
      'endpoints.log',
      { endpoint: this.endpoint },
      undefined,
      { query: { revision: this.revision, offset: this._offset } }
    );
    const bytes = new Uint8Array(await response.arrayBuffer());
    const size = Number(response.headers.get('X-Log-Size') ?? bytes.length);
    if (this._offset !== null && size < this._offset) {
      // The server was started anew, with a new log.
      this._offset = null;
      this._open = '';
      this._lines = this._complete = [];
      this._decoder = new TextDecoder();
      return true;
    }
    // Without an offset it is the end of the log that comes.
    this._offset = (this._offset ?? size - bytes.length) + bytes.length;
    if (bytes.length > 0) {
      this._append(this._decoder.decode(bytes, { stream: true }));
    }
    return this._offset < size && bytes.length > 0;
  }

  private _append(text: string): void {
    // What follows the last line end is not complete yet: the next piece goes on with it.
    const texts = (this._open + text).split('\n');
    this._open = texts.pop() ?? '';
    const complete = [...this._complete];
    for (const content of texts) {
      const line = this._lineOf(++this._count, content);
      this._level = line.state;
      complete.push(line);
    }
    const excess = Math.max(0, complete.length - this._maxLines);
    this._dropped += excess;
    this._complete = complete.slice(excess);
    this._lines =
      this._open === ''
        ? this._complete
        : [...this._complete, this._lineOf(this._count + 1, this._open)];
    this._emit();
  }

  private _lineOf(
    number: number,
    content: string
  ): ILogLine & { state: ILevelState } {
    const text = overwrite(content);
    const plain = stripAnsi(text);
    const state = guessLevel(plain, this._level);
    return { number, stream: 'stdout', text, plain, level: state.level, state };
  }

  private _emit(): void {
    if (!this.isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _poll: Poll;
  private _decoder = new TextDecoder();
  private _lines: readonly ILogLine[] = [];
  private _complete: readonly ILogLine[] = [];
  private _open = '';
  private _level: ILevelState = NO_LEVEL;
  private _offset: number | null = null;
  private _count = 0;
  private _dropped = 0;
  private _error: unknown = null;
  private _isLoading = true;
}

/** More lines than anyone scrolls through. */
const MAX_LINES = 5000;

/** Servers write little; a look every two seconds is soon enough for a person. */
const INTERVAL_MS = 2000;
