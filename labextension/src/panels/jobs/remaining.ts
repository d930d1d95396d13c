import type { Progress } from '../../api/types';

/** The time that was left when the job said so, less what has passed since. */
export function remainingOf(
  progress: Progress | null,
  nowMs: number
): number | null {
  const left = progress?.remaining_s ?? null;
  if (progress === null || left === null) {
    return null;
  }
  const passed = progress.reported_at
    ? (nowMs - Date.parse(progress.reported_at)) / 1000
    : 0;
  return Math.max(0, left - Math.max(0, passed));
}
