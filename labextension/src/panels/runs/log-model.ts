import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { Throttle } from '../../api/throttle';
import type { Event, Task } from '../../api/types';
import { stripAnsi } from '../../components/ansi';
import { NO_LEVEL, guessLevel } from './log-level';
import type { ILevelState, LogLevel } from './log-level';

/** A line of a log; `text` still holds its ANSI codes, `plain` does not. */
export interface ILogLine {
  number: number;
  stream: 'stdout' | 'stderr';
  text: string;
  plain: string;
  /** As guessed; null where nothing says. */
  level: LogLevel | null;
}

/** A log as `LogView` shows it. */
export interface ILog {
  /** Whose log it is, for those who hear it. */
  readonly title: string;
  readonly changed: ISignal<unknown, void>;
  readonly lines: readonly ILogLine[];
  readonly droppedLines: number;
  /** How many bytes at the start were not even read. */
  readonly skippedBytes?: number;
  readonly isLoading: boolean;
  readonly error: unknown;
}

/** What one step of one run wrote, followed while it writes. Keeps the newest lines only. */
export class LogModel implements IDisposable, ILog {
  constructor(
    private readonly _connection: Connection,
    readonly run: string,
    readonly step: string,
    private readonly _limits: LogModel.ILimits = LIMITS
  ) {
    this._refresh = new Throttle(() => this._read(), REFRESH_MS);
    _connection.events.received.connect(this._onEvent, this);
    _connection.reset.connect(this.restart, this);
    this._refresh.request();
  }

  get title(): string {
    return this.step;
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

  /** How many bytes at the start were not even read. */
  get skippedBytes(): number {
    return STREAMS.reduce((sum, name) => sum + this._tails[name].skipped, 0);
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

  /** Learn which attempt the step is at: another one has another log. */
  follow(task: Task): void {
    const attempt = `${task.attempt}${task.cached ? ' cached' : ''}`;
    if (this._attempt !== null && attempt !== this._attempt) {
      this.restart();
    }
    this._attempt = attempt;
  }

  /** Read it from its beginning. */
  restart(): void {
    this._turn += 1;
    this._lines = [];
    this._complete = [];
    this._count = 0;
    this._tails = Private.tails();
    this._isLoading = true;
    this._refresh.request();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._refresh.dispose();
    this._connection.events.received.disconnect(this._onEvent, this);
    this._connection.reset.disconnect(this.restart, this);
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
    const turn = this._turn;
    const { client } = this._connection;
    const { offset } = tail;
    const piece = await client.readLog(
      this.run,
      this.step,
      stream,
      offset,
      CHUNK
    );
    if (turn !== this._turn) {
      return true; // of the attempt before
    }
    if (piece.size < tail.offset) {
      this.restart(); // a new attempt began a new file
      return true;
    }
    if (offset === 0 && piece.size > this._limits.bytes) {
      // Only its end is ever shown; the line that is cut in two goes, too.
      tail.offset = tail.skipped = piece.size - this._limits.bytes;
      tail.isCut = true;
      return true;
    }
    tail.offset = piece.nextOffset;
    // What follows the last line end is not complete yet: the next piece goes on with it.
    const text = tail.open + tail.decoder.decode(piece.bytes, { stream: true });
    const lines = text.split('\n');
    tail.open = lines.pop() ?? '';
    if (tail.isCut && lines.length > 0) {
      tail.isCut = false;
      tail.skipped += lines.shift()?.length ?? 0;
    }
    this._append(stream, lines);
    return piece.nextOffset < piece.size;
  }

  private _append(stream: 'stdout' | 'stderr', texts: string[]): void {
    const tail = this._tails[stream];
    for (const text of texts) {
      const line = Private.lineOf(++this._count, stream, text, tail.state);
      this._complete.push(line.line);
      tail.state = line.state;
    }
    const { lines } = this._limits;
    if (this._complete.length > lines) {
      this._complete = this._complete.slice(-lines);
    }
    const open: ILogLine[] = [];
    for (const name of STREAMS) {
      const { open: text, state } = this._tails[name];
      if (text !== '') {
        const number = this._count + open.length + 1;
        open.push(Private.lineOf(number, name, text, state).line);
      }
    }
    this._lines = [...this._complete, ...open];
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (event.data.run_id !== this.run) {
      return;
    }
    if (event.kind === 'task.updated' && event.subject === this.step) {
      this.follow(event.data.task as unknown as Task);
      this._refresh.request();
    } else if (event.data.step === this.step) {
      this._refresh.request();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private _lines: readonly ILogLine[] = [];
  private _complete: ILogLine[] = [];
  private _tails = Private.tails();
  private _count = 0;
  private _turn = 0;
  private _attempt: string | null = null;
  private _error: unknown = null;
  private _isLoading = true;
  private _isDisposed = false;
}

export namespace LogModel {
  /** How much of the end of a log is kept. */
  export interface ILimits {
    lines: number;
    /** Of each stream. */
    bytes: number;
  }
}

/** The end of what a step wrote: as many lines of each stream as there is room for. */
export async function readTail(
  connection: Connection,
  run: string,
  step: string,
  lines: number
): Promise<ILogLine[]> {
  const ends = await Promise.all(
    STREAMS.map(async stream => {
      const { client } = connection;
      const { size } = await client.readLog(run, step, stream, 0, 0);
      const offset = Math.max(0, size - TAIL_BYTES);
      const { bytes } = await client.readLog(
        run,
        step,
        stream,
        offset,
        TAIL_BYTES
      );
      const texts = new TextDecoder().decode(bytes).split('\n');
      if (texts[texts.length - 1] === '') {
        texts.pop();
      }
      let state = NO_LEVEL;
      return texts.slice(-lines).map((text, index) => {
        const made = Private.lineOf(index + 1, stream, text, state);
        state = made.state;
        return made.line;
      });
    })
  );
  const [out, err] = ends;
  const half = Math.floor(lines / 2);
  const forErr = Math.min(err.length, Math.max(half, lines - out.length));
  return [
    ...out.slice(Math.max(0, out.length - (lines - forErr))),
    ...err.slice(err.length - forErr)
  ];
}

/** Apply carriage returns, as a terminal would: a progress bar keeps only its last state. */
export function overwrite(text: string): string {
  const parts = text.replace(/\r+$/, '').split('\r');
  return parts[parts.length - 1];
}

/** More than anyone scrolls through; searching them takes milliseconds. */
const LIMITS: LogModel.ILimits = { lines: 100_000, bytes: 32 * 1024 * 1024 };

/** A longer line would be drawn at the cost of all others; the download has all of it. */
const LONGEST_LINE = 10_000;
const REFRESH_MS = 150;
const CHUNK = 1024 * 1024;
const TAIL_BYTES = 16 * 1024;
const STREAMS = ['stdout', 'stderr'] as const;

namespace Private {
  /** Where to read a stream on, and its line that has no end yet. */
  export interface ITail {
    offset: number;
    skipped: number;
    /** Reading began within a line. */
    isCut: boolean;
    open: string;
    decoder: TextDecoder;
    state: ILevelState;
  }

  export function tails(): Record<'stdout' | 'stderr', ITail> {
    const tail = () => ({
      offset: 0,
      skipped: 0,
      isCut: false,
      open: '',
      decoder: new TextDecoder(),
      state: NO_LEVEL
    });
    return { stdout: tail(), stderr: tail() };
  }

  export function lineOf(
    number: number,
    stream: 'stdout' | 'stderr',
    raw: string,
    before: ILevelState
  ): { line: ILogLine; state: ILevelState } {
    const whole = overwrite(raw).replace(/\t/g, '    ');
    const text =
      whole.length > LONGEST_LINE ? `${whole.slice(0, LONGEST_LINE)}…` : whole;
    const plain = stripAnsi(text).trimEnd();
    const state = guessLevel(plain, before);
    return { line: { number, stream, text, plain, level: state.level }, state };
  }
}
