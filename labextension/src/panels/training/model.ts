import type { Connection } from '../../api/connection';
import type { TrainRuntime } from '../../api/types';
import { JobsModel } from '../jobs/model';
import type { ITrainDraft } from './draft';
import { TrainWatch } from './watch';

/** All train jobs, live, and the runtimes there are. */
export class TrainingModel extends JobsModel<TrainWatch, ITrainDraft> {
  constructor(connection: Connection) {
    super(connection, 'train', run => new TrainWatch(connection, run));
  }

  /** The runtimes that jobs can have, as far as they are known. */
  get runtimes(): readonly TrainRuntime[] {
    return this._runtimes;
  }

  /** Learn which runtimes there are. */
  async loadRuntimes(): Promise<void> {
    try {
      const { client } = this.connection;
      this._runtimes = (await client.call('train_runtimes.list', {})).runtimes;
      this.form?.edit({});
    } catch {
      // Their names can be typed all the same; the engine tells what is wrong.
    }
  }

  private _runtimes: readonly TrainRuntime[] = [];
}
