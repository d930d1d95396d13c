import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Event } from './types';

/** How well we hear the engine. */
export type StreamState = 'idle' | 'connecting' | 'live' | 'offline';

/** The one stream of state changes that all models listen to. Reconnects and resumes by itself. */
export class EventStream implements IDisposable {
  constructor(options: EventStream.IOptions) {
    this._open = options.open;
    this._wait = options.wait ?? Private.wait;
  }

  /** A state change, in order, each once. */
  get received(): ISignal<this, Event> {
    return this._received;
  }

  get stateChanged(): ISignal<this, StreamState> {
    return this._stateChanged;
  }

  /** Emitted when numbering began anew (another state directory): what was known is void. */
  get restarted(): ISignal<this, void> {
    return this._restarted;
  }

  get state(): StreamState {
    return this._state;
  }

  /** Why the last connection ended, while offline. */
  get error(): unknown {
    return this._error;
  }

  /** Sequence number of the newest event seen. */
  get lastSeq(): number | null {
    return this._lastSeq;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Follow the stream from a sequence number on. A second call only hastens a reconnect. */
  start(after: number | null): void {
    if (this._isStarted) {
      this._hasten?.();
      return;
    }
    this._isStarted = true;
    this._lastSeq = after;
    void this._run();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._abort?.abort();
    this._hasten?.();
    Signal.clearData(this);
  }

  /** Tell the stream what the engine says its newest event is; a smaller one means another store. */
  reconcile(last: number): void {
    if (this._lastSeq !== null && last < this._lastSeq) {
      this._lastSeq = last;
      this._abort?.abort(); // it still asks for what comes after the old number
      this._restarted.emit();
    }
  }

  private async _run(): Promise<void> {
    let attempt = 0;
    while (!this._isDisposed) {
      this._setState('connecting');
      try {
        await this._follow(() => {
          attempt = 0;
          this._setState('live');
        });
      } catch (error) {
        this._error = error;
      }
      if (this._isDisposed) {
        return;
      }
      this._setState('offline');
      const hastened = new Promise<void>(resolve => {
        this._hasten = resolve;
      });
      await Promise.race([this._wait(backoffMs(attempt++)), hastened]);
      this._hasten = null;
    }
  }

  private async _follow(onOpen: () => void): Promise<void> {
    const abort = new AbortController();
    this._abort = abort;
    const watchdog = new Private.Watchdog(SILENCE_MS, () => abort.abort());
    abort.signal.addEventListener('abort', () => watchdog.stop());
    try {
      const response = await this._open(this._lastSeq, abort.signal);
      if (!response.body) {
        throw new Error('The event stream has no body.');
      }
      onOpen();
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const parser = new EventParser();
      for (;;) {
        watchdog.reset();
        const { done, value } = await reader.read();
        if (done || this._isDisposed) {
          return;
        }
        for (const event of parser.push(
          decoder.decode(value, { stream: true })
        )) {
          this._accept(event);
        }
      }
    } finally {
      watchdog.stop();
      abort.abort();
    }
  }

  private _accept(event: Event): void {
    if (this._lastSeq !== null && event.seq <= this._lastSeq) {
      return;
    }
    this._lastSeq = event.seq;
    this._received.emit(event);
  }

  private _setState(state: StreamState): void {
    if (state !== this._state) {
      this._state = state;
      this._stateChanged.emit(state);
    }
  }

  private readonly _open: EventStream.IOptions['open'];
  private readonly _wait: (ms: number) => Promise<void>;
  private readonly _received = new Signal<this, Event>(this);
  private readonly _stateChanged = new Signal<this, StreamState>(this);
  private readonly _restarted = new Signal<this, void>(this);
  private _abort: AbortController | null = null;
  private _hasten: (() => void) | null = null;
  private _state: StreamState = 'idle';
  private _error: unknown = null;
  private _lastSeq: number | null = null;
  private _isStarted = false;
  private _isDisposed = false;
}

export namespace EventStream {
  export interface IOptions {
    /** Open the stream after a sequence number. */
    open: (after: number | null, signal: AbortSignal) => Promise<Response>;

    /** Replaces the clock in tests. */
    wait?: (ms: number) => Promise<void>;
  }
}

/** Cuts a text of server-sent events into events. Only our own form is understood: JSON in `data`. */
export class EventParser {
  /** Take the next piece of text; return the events it completes. */
  push(text: string): Event[] {
    this._buffer += text.replaceAll('\r', '');
    const blocks = this._buffer.split('\n\n');
    this._buffer = blocks.pop() ?? '';
    const events: Event[] = [];
    for (const block of blocks) {
      const data = block
        .split('\n')
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice('data:'.length).trimStart())
        .join('\n');
      if (data) {
        events.push(JSON.parse(data) as Event);
      }
    }
    return events;
  }

  private _buffer = '';
}

/** Wait before attempt n: doubling from half a second up to fifteen, so that a restart is felt at once. */
export function backoffMs(attempt: number): number {
  return Math.min(15_000, 500 * 2 ** attempt);
}

/** The engine sends a comment every 15 s; three of them missing means that the line is dead. */
const SILENCE_MS = 45_000;

namespace Private {
  export function wait(ms: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms));
  }

  export class Watchdog {
    constructor(
      private readonly _ms: number,
      private readonly _bark: () => void
    ) {
      this.reset();
    }

    reset(): void {
      this.stop();
      this._timer = setTimeout(this._bark, this._ms);
    }

    stop(): void {
      clearTimeout(this._timer);
    }

    private _timer: ReturnType<typeof setTimeout> | undefined;
  }
}
