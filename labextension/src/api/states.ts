import type { Run, RunState, TaskState } from './types';

/** States of runs and tasks together: they are drawn alike. */
export type AnyState = RunState | TaskState;

/** Tell whether nothing more will happen to a run or task by itself. */
export function isFinal(state: AnyState): boolean {
  return ['SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED'].includes(state);
}

/** Tell whether a run can go on from where it stopped. */
export function isRetryable(state: RunState): boolean {
  return state === 'FAILED' || state === 'CANCELED';
}

/** How many steps of a run are done: in a run that is over, those it skipped are not. */
export function countDone(run: Run): number {
  return run.tasks.filter(task =>
    isFinal(run.state) ? task.state === 'SUCCEEDED' : isFinal(task.state)
  ).length;
}
