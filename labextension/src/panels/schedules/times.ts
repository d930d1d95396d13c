import type { TranslationBundle } from '@jupyterlab/translation';

import type { AnyState } from '../../api/states';
import type { Firing, FiringState, ScheduleStatus } from '../../api/types';

/** A moment in the reader's own time: the day by name where it is near. */
export function formatMoment(
  iso: string,
  nowMs: number,
  locale?: string
): string {
  const at = new Date(iso);
  const days = Math.round(
    (startOfDay(at.getTime()) - startOfDay(nowMs)) / 86_400_000
  );
  const time = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(at.getSeconds() ? { second: '2-digit' } : {})
  }).format(at);
  if (Math.abs(days) <= 1) {
    const day = new Intl.RelativeTimeFormat(locale, {
      numeric: 'auto'
    }).format(days, 'day');
    return `${day} ${time}`;
  }
  const isThisYear = at.getFullYear() === new Date(nowMs).getFullYear();
  const day = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(isThisYear ? {} : { year: 'numeric' })
  }).format(at);
  return `${day} ${time}`;
}

/** How long it is until a moment: 'in 5 min.'; the coarsest unit that says enough. */
export function formatUntil(
  iso: string,
  nowMs: number,
  locale?: string
): string {
  const seconds = Math.max(0, (Date.parse(iso) - nowMs) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale, {
    numeric: 'always',
    style: 'short'
  });
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60]
  ] as const) {
    if (seconds >= size) {
      return relative.format(Math.round(seconds / size), unit);
    }
  }
  return relative.format(Math.ceil(seconds), 'second');
}

/** The state whose mark a schedule bears in the list. */
export function markOf(status: ScheduleStatus): AnyState {
  if (status.active > 0) {
    return 'RUNNING';
  }
  return status.last ? stateOf(status.last.state) : 'PENDING';
}

/** A firing's state as one of a run's, for its mark. */
export function stateOf(state: FiringState): AnyState {
  switch (state) {
    case 'WAITING':
      return 'QUEUED';
    case 'MISSED':
      return 'SKIPPED';
    default:
      return state;
  }
}

/** A firing's state for people. */
export function firingLabel(trans: TranslationBundle, firing: Firing): string {
  switch (firing.state) {
    case 'QUEUED':
      return trans.__('Waits for the run before');
    case 'RUNNING':
      return trans.__('Running');
    case 'WAITING':
      return trans.__('Waits to be tried again');
    case 'SUCCEEDED':
      return trans.__('Succeeded');
    case 'FAILED':
      return firing.timed_out ? trans.__('Took too long') : trans.__('Failed');
    case 'CANCELED':
      return trans.__('Cancelled');
    case 'SKIPPED':
      return trans.__('Skipped');
    case 'MISSED':
      return firing.count > 1
        ? trans.__('%1 times missed', firing.count)
        : trans.__('Missed');
  }
}

/** Why it fired, where that is not its time. */
export function causeLabel(
  trans: TranslationBundle,
  firing: Firing
): string | null {
  switch (firing.cause) {
    case 'time':
      return null;
    case 'catch-up':
      return trans.__('made up for');
    case 'back-fill':
      return trans.__('back-filled');
    case 'now':
      return trans.__('run by hand');
    case 'event':
      return trans.__('triggered');
  }
}

function startOfDay(ms: number): number {
  const day = new Date(ms);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}
