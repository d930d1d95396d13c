import type { Connection } from '../../api/connection';
import type { MachineInventory, TrainRuntime } from '../../api/types';
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

  /** What the machine has, as it was when a form was opened; null: not known. */
  get inventory(): MachineInventory | null {
    return this._inventory;
  }

  /** Learn which runtimes there are, and what the machine has. */
  async loadChoices(): Promise<void> {
    const { client } = this.connection;
    try {
      const [list, inventory] = await Promise.all([
        client.call('train_runtimes.list', {}),
        client.call('inventory.get', {})
      ]);
      this._runtimes = list.runtimes;
      this._inventory = inventory;
    } catch {
      // Names can be typed all the same; the engine tells what is wrong.
    }
  }

  private _runtimes: readonly TrainRuntime[] = [];
  private _inventory: MachineInventory | null = null;
}
