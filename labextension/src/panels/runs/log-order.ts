/** The two logs of a step. */
export type Stream = 'stdout' | 'stderr';

/** How far each log has been read, in bytes. */
export type Extent = Readonly<Record<Stream, number>>;

/**
 * Brings the lines of two logs into the order in which they were written, as far as the engine has
 * recorded it: `stdout 120` says that stdout up to byte 120 came before what follows.
 */
export class LogOrder<T> {
  /** Take a line that ends at a byte of its log. */
  push(stream: Stream, end: number, line: T): void {
    this._pending[stream].push({ end, line });
  }

  /** Take a piece of the record, wherever it is cut. */
  read(text: string): void {
    const lines = (this._open + text).split('\n');
    this._open = lines.pop() ?? '';
    for (const line of lines) {
      const [stream, end] = line.split(' ');
      if (stream === 'stdout' || stream === 'stderr') {
        this._turns.push({ stream, end: Number(end) });
      }
    }
  }

  /** Whether lines wait for others before them that have not been read. */
  isWaiting(read: Extent): boolean {
    const turn = this._turns.first;
    return turn !== undefined && read[turn.stream] < turn.end;
  }

  /** Give the lines whose turn has come; all of them where there is nothing to wait for. */
  take(read: Extent, isAll = false): [Stream, T][] {
    const taken: [Stream, T][] = [];
    const take = (stream: Stream, end: number) => {
      const pending = this._pending[stream];
      while (pending.first !== undefined && pending.first.end <= end) {
        taken.push([stream, pending.shift().line]);
      }
    };
    while (this._turns.first !== undefined) {
      const { stream, end } = this._turns.first;
      take(stream, end);
      if (this.isWaiting(read) && !isAll) {
        return taken;
      }
      this._current = stream === 'stdout' ? 'stderr' : 'stdout';
      this._turns.shift();
    }
    take(this._current, Infinity);
    take('stdout', Infinity);
    take('stderr', Infinity);
    return taken;
  }

  private readonly _pending = {
    stdout: new Queue<{ end: number; line: T }>(),
    stderr: new Queue<{ end: number; line: T }>()
  };
  private readonly _turns = new Queue<{ stream: Stream; end: number }>();

  /** What has been written since the last turn. */
  private _current: Stream = 'stdout';
  private _open = '';
}

/** First in, first out, without moving all others each time. */
class Queue<T> {
  get first(): T | undefined {
    return this._items[this._head];
  }

  push(item: T): void {
    this._items.push(item);
  }

  shift(): T {
    const item = this._items[this._head++];
    if (this._head === this._items.length) {
      this._items = [];
      this._head = 0;
    }
    return item;
  }

  private _items: T[] = [];
  private _head = 0;
}
