import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ILogPiece } from '../../api/client';
import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { Throttle } from '../../api/throttle';
import type { Event, Task } from '../../api/types';
import { stripAnsi } from '../../components/ansi';
import { NO_LEVEL, guessLevel } from './log-level';
import type { ILevelState, LogLevel } from './log-level';
import { LogOrder } from './log-order';
import type { Extent, Stream } from './log-order';

/** A line of a log; `text` still holds its ANSI codes, `plain` does not. */
export interface ILogLine {
  number: number;
  stream: 'stdout' | 'stderr';
  text: string;
  plain: string;
  /** As guessed; null where nothing says. */
  level: LogLevel | null;
}

/** Reads a piece of one of a log's files, from a byte offset on. */
export type PieceReader = (
  stream: Stream | 'order',
  offset: number,
  limit: number
) => Promise<ILogPiece>;

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
  /** @param _readPiece - Where it is read; the log of the step itself by default. */
  constructor(
    private readonly _connection: Connection,
    readonly run: string,
    readonly step: string,
    private readonly _limits: LogModel.ILimits = LIMITS,
    private readonly _readPiece: PieceReader = (stream, offset, limit) =>
      _connection.client.readLog(run, step, stream, offset, limit)
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
    this._order = new LogOrder();
    this._orderOffset = 0;
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

  /** Look for what has been written since. */
  refresh(): void {
    this._refresh.request();
  }

  private async _read(): Promise<void> {
    try {
      await this._readOn();
      if (this._order.isWaiting(this._extent)) {
        await this._readOn(); // what was written while the order was read
      }
      this._take(true);
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    this._isLoading = false;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  /** Read all there is: the order last, so that it tells of all that was read before. */
  private async _readOn(): Promise<void> {
    let hasMore = true;
    while (hasMore && !this._isDisposed) {
      hasMore = false;
      for (const stream of STREAMS) {
        hasMore = (await this._readStream(stream)) || hasMore;
      }
      if (STREAMS.every(stream => this._tails[stream].offset > 0)) {
        hasMore = (await this._readOrder()) || hasMore;
      }
      this._take(false);
    }
  }

  private async _readOrder(): Promise<boolean> {
    const turn = this._turn;
    const offset = this._orderOffset;
    const piece = await this._readPiece('order', offset, CHUNK);
    if (turn !== this._turn) {
      return true; // of the attempt before
    }
    this._orderOffset = piece.nextOffset;
    this._order.read(new TextDecoder().decode(piece.bytes));
    return piece.nextOffset < piece.size;
  }

  private get _extent(): Extent {
    const { stdout, stderr } = this._tails;
    return { stdout: stdout.offset, stderr: stderr.offset };
  }

  private async _readStream(stream: 'stdout' | 'stderr'): Promise<boolean> {
    const tail = this._tails[stream];
    const turn = this._turn;
    const { offset } = tail;
    const piece = await this._readPiece(stream, offset, CHUNK);
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
    const ends = endsOf(piece.bytes, offset);
    tail.open = lines.pop() ?? '';
    if (tail.isCut && lines.length > 0) {
      tail.isCut = false;
      tail.skipped += lines.shift()?.length ?? 0;
      ends.shift();
    }
    lines.forEach((line, index) => this._order.push(stream, ends[index], line));
    return piece.nextOffset < piece.size;
  }

  /** Add the lines whose turn has come. */
  private _take(isAll: boolean): void {
    for (const [stream, text] of this._order.take(this._extent, isAll)) {
      const tail = this._tails[stream];
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
  private _order = new LogOrder<string>();
  private _orderOffset = 0;
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

/** The end of what a step wrote: its last lines in their order, or some of each stream without one. */
export async function readTail(
  connection: Connection,
  run: string,
  step: string,
  lines: number
): Promise<ILogLine[]> {
  const { client } = connection;
  const read = async (stream: Stream | 'order') => {
    const { size } = await client.readLog(run, step, stream, 0, 0);
    const offset = Math.max(0, size - TAIL_BYTES);
    const { bytes } = await client.readLog(
      run,
      step,
      stream,
      offset,
      TAIL_BYTES
    );
    return { bytes, offset, text: new TextDecoder().decode(bytes) };
  };
  const order = new LogOrder<ILogLine>();
  const extent = { stdout: 0, stderr: 0 };
  const ends = await Promise.all(
    STREAMS.map(async stream => {
      const { bytes, offset, text } = await read(stream);
      const texts = text.split('\n');
      if (texts[texts.length - 1] === '') {
        texts.pop();
      }
      extent[stream] = offset + bytes.length;
      const places = endsOf(bytes, offset);
      let state = NO_LEVEL;
      const made = texts.slice(-lines).map((text, index) => {
        const { line, state: next } = Private.lineOf(
          index + 1,
          stream,
          text,
          state
        );
        state = next;
        return line;
      });
      made.forEach((line, index) => {
        const place = places[texts.length - made.length + index];
        order.push(stream, place ?? extent[stream], line);
      });
      return made;
    })
  );
  const [out, err] = ends;
  const record =
    out.length > 0 && err.length > 0 ? (await read('order')).text : '';
  if (record !== '') {
    order.read(record);
    return order
      .take(extent, true)
      .map(([, line]) => line)
      .slice(-lines);
  }
  const half = Math.floor(lines / 2);
  const forErr = Math.min(err.length, Math.max(half, lines - out.length));
  return [
    ...out.slice(Math.max(0, out.length - (lines - forErr))),
    ...err.slice(err.length - forErr)
  ];
}

/** Where the lines in a piece of a log end, in bytes from the log's beginning. */
function endsOf(bytes: Uint8Array, offset: number): number[] {
  const ends: number[] = [];
  let end = -1;
  while ((end = bytes.indexOf(LINE_END, end + 1)) >= 0) {
    ends.push(offset + end + 1);
  }
  return ends;
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
const LINE_END = 10;
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
