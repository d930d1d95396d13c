import type { Connection } from '../../api/connection';
import { JobsModel } from '../jobs/model';
import type { ITuneDraft, TuneProblem } from './draft';
import { TuningWatch } from './watch';

/** All tuning jobs, live. */
export class TuningModel extends JobsModel<
  TuningWatch,
  ITuneDraft,
  TuneProblem
> {
  constructor(connection: Connection) {
    super(connection, 'tune', run => new TuningWatch(connection, run));
  }
}
