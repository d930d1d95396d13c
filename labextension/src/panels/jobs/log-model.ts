import { Poll } from '@lumino/polling';

import type { Connection } from '../../api/connection';
import { LogModel } from '../runs/log-model';
import type { PieceReader } from '../runs/log-model';

/** What one process of a job wrote, read again and again as long as the job may write more. */
export class ProcessLogModel extends LogModel {
  /**
   * @param isOver - Whether nothing more is to come.
   */
  constructor(
    connection: Connection,
    run: string,
    name: string,
    read: PieceReader,
    isOver: () => boolean
  ) {
    super(connection, run, name, LIMITS, (stream, offset, limit) =>
      // These keep no record of the order in which two streams were written.
      stream === 'order'
        ? Promise.resolve(NOTHING)
        : read(stream, offset, limit)
    );
    this._poll = new Poll({
      name: 'mlplat:process-log',
      frequency: { interval: INTERVAL_MS, backoff: false, max: INTERVAL_MS },
      standby: 'when-hidden',
      factory: async () => {
        if (!this._isComplete) {
          this._isComplete = isOver();
          this.refresh();
        }
      }
    });
  }

  override dispose(): void {
    this._poll.dispose();
    super.dispose();
  }

  private readonly _poll: Poll;
  private _isComplete = false;
}

const NOTHING = { bytes: new Uint8Array(), nextOffset: 0, size: 0 };
const LIMITS = { lines: 20_000, bytes: 4 * 1024 * 1024 };
const INTERVAL_MS = 1000;
