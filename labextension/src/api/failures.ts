import type { Failure, Run } from './types';

/** The failure that ended a run: that of its first failed step, which knows the cell, or its own. */
export function failureOf(run: Run): Failure | null {
  const failed = run.tasks.find(task => task.failure !== null);
  return failed?.failure ?? run.failure;
}
