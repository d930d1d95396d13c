import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import { stripAnsi } from '../../components/ansi';
import { NO_LEVEL, guessLevel } from '../runs/log-level';
import { overwrite } from '../runs/log-model';
import type { ILog, ILogLine } from '../runs/log-model';

/** The last lines that a server wrote, read again and again while they are looked at. */
export class ServerLogModel implements IDisposable, ILog {
  constructor(
    private readonly _client: ApiClient,
    readonly place: string,
    readonly name: string
  ) {
    this._poll = new Poll({
      name: 'mlplat:server-log',
      frequency: { interval: INTERVAL_MS, backoff: true, max: 30_000 },
      standby: 'when-hidden',
      factory: () => this._read()
    });
  }

  get title(): string {
    return this.name;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get lines(): readonly ILogLine[] {
    return this._lines;
  }

  readonly droppedLines = 0;

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
      const response = await this._client.call(
        'servers.logs',
        { server: this.name },
        undefined,
        { query: { place: this.place, lines: MOST_LINES } }
      );
      const text = await response.text();
      if (text !== this._text) {
        this._text = text;
        this._lines = linesOf(text);
        this._isLoading = true; // so that it is shown
      }
      this._error = null;
    } catch (error) {
      this._error = error;
      throw error; // so that the poll backs off
    } finally {
      if ((this._isLoading || this._error !== null) && !this.isDisposed) {
        this._isLoading = false;
        this._changed.emit();
      }
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _poll: Poll;
  private _text: string | null = null;
  private _lines: readonly ILogLine[] = [];
  private _error: unknown = null;
  private _isLoading = true;
}

function linesOf(text: string): ILogLine[] {
  let state = NO_LEVEL;
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((content, index) => {
      const shown = overwrite(content);
      const plain = stripAnsi(shown);
      state = guessLevel(plain, state);
      return {
        number: index + 1,
        stream: 'stdout',
        text: shown,
        plain,
        level: state.level
      };
    });
}

const MOST_LINES = 1000;
const INTERVAL_MS = 3000;
