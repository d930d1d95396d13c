import type { RunState, TaskState } from '../../api/types';

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
