import type { Run, RunState, Task, TaskState } from './types';

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

/** The tasks that run by themselves: those that only hold others are left out. */
export function stepsOf(run: Run): readonly Task[] {
  return run.tasks.filter(task => task.kind === 'step');
}

/** How many steps of a run are done: in a run that is over, those it skipped are not. */
export function countDone(run: Run): number {
  return stepsOf(run).filter(task =>
    isFinal(run.state) ? task.state === 'SUCCEEDED' : isFinal(task.state)
  ).length;
}
