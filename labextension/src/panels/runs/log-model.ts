import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { Throttle } from '../../api/throttle';
import type { Event } from '../../api/types';

/** A line of a log; `text` still holds its ANSI codes. */
export interface ILogLine {
  number: number;
  stream: 'stdout' | 'stderr';
  text: string;
}

/** What one step of one run wrote, followed while it writes. Keeps the newest lines only. */
export class LogModel implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    readonly run: string,
    readonly step: string,
    private readonly _maxLines = MAX_LINES
  ) {
    this._refresh = new Throttle(() => this._read(), REFRESH_MS);
    _connection.events.received.connect(this._onEvent, this);
    this._refresh.request();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get lines(): readonly ILogLine[] {
    return this._lines;
  }

  /** How many lines at the start were let go. */
  get droppedLines(): number {
    return this._count - this._complete.length;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._refresh.dispose();
    this._connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _read(): Promise<void> {
    try {
      let hasMore = true;
      while (hasMore && !this._isDisposed) {
        hasMore = false;
        for (const stream of STREAMS) {
          hasMore = (await this._readStream(stream)) || hasMore;
        }
      }
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    this._isLoading = false;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private async _readStream(stream: 'stdout' | 'stderr'): Promise<boolean> {
    const tail = this._tails[stream];
    const piece = await this._connection.client.readLog(
      this.run,
      this.step,
      stream,
      tail.offset,
      CHUNK
    );
    if (piece.size < tail.offset) {
      // A new attempt began a new file.
      this._restart();
      return true;
    }
    tail.offset = piece.nextOffset;
    // What follows the last line end is not complete yet: the next piece goes on with it.
    const lines = (
      tail.open + tail.decoder.decode(piece.bytes, { stream: true })
    ).split('\n');
    tail.open = lines.pop() ?? '';
    this._append(stream, lines);
    return piece.nextOffset < piece.size;
  }

  private _append(stream: 'stdout' | 'stderr', texts: string[]): void {
    for (const text of texts) {
      this._complete.push({
        number: ++this._count,
        stream,
        text: overwrite(text)
      });
    }
    if (this._complete.length > this._maxLines) {
      this._complete = this._complete.slice(-this._maxLines);
    }
    const open: ILogLine[] = [];
    for (const stream of STREAMS) {
      const text = overwrite(this._tails[stream].open);
      if (text !== '') {
        open.push({ number: this._count + open.length + 1, stream, text });
      }
    }
    this._lines = [...this._complete, ...open];
  }

  private _restart(): void {
    this._lines = [];
    this._complete = [];
    this._count = 0;
    this._tails = Private.tails();
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (
      event.data.run_id === this.run &&
      (event.data.step === this.step || event.kind === 'task.updated')
    ) {
      this._refresh.request();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private _lines: readonly ILogLine[] = [];
  private _complete: ILogLine[] = [];
  private _tails = Private.tails();
  private _count = 0;
  private _error: unknown = null;
  private _isLoading = true;
  private _isDisposed = false;
}

/** Apply carriage returns, as a terminal would: a progress bar keeps only its last state. */
export function overwrite(text: string): string {
  const parts = text.replace(/\r+$/, '').split('\r');
  return parts[parts.length - 1];
}

/** More lines than anyone scrolls through; searching them takes milliseconds. */
const MAX_LINES = 10_000;
const REFRESH_MS = 150;
const CHUNK = 262_144;
const STREAMS = ['stdout', 'stderr'] as const;

namespace Private {
  /** Where to read a stream on, and its line that has no end yet. */
  export interface ITail {
    offset: number;
    open: string;
    decoder: TextDecoder;
  }

  export function tails(): Record<'stdout' | 'stderr', ITail> {
    const tail = () => ({ offset: 0, open: '', decoder: new TextDecoder() });
    return { stdout: tail(), stderr: tail() };
  }
}
