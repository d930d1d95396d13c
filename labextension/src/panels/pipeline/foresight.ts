import type { TranslationBundle } from '@jupyterlab/translation';

import type { PlannedStep, RunPlan } from '../../api/types';
import { formatDuration } from '../../components/format';

/** How a step stands before a run, in one word: what its icon and its text are chosen by. */
export type Outlook = 'changed' | 'run' | 'unknown' | 'cached' | 'skip';

/** How a step stands. One whose own code or parameters changed says so rather than that it runs. */
export function outlookOf(step: PlannedStep): Outlook {
  const isOwn = step.changed.some(label => !/^(step|input) /.test(label));
  return step.will === 'run' && step.stale !== null && isOwn
    ? 'changed'
    : step.will;
}

/** An outlook for people. */
export function outlookLabel(
  trans: TranslationBundle,
  outlook: Outlook
): string {
  switch (outlook) {
    case 'changed':
      return trans.__('Changed');
    case 'run':
      return trans.__('Will run');
    case 'unknown':
      return trans.__('May run');
    case 'cached':
      return trans.__('Cached');
    case 'skip':
      return trans.__('Left out');
  }
}

/**
 * One line about a step before a run: what becomes of it, and how long it took last. Where there is
 * little room, the icon beside it says the former.
 */
export function outlookFacts(
  trans: TranslationBundle,
  step: PlannedStep,
  isNarrow = false
): string {
  const took = step.last?.duration_s ?? null;
  const label = outlookLabel(trans, outlookOf(step));
  if (took === null) {
    return label;
  }
  const duration = formatDuration(took);
  return isNarrow ? duration : `${label} · ${duration}`;
}

/** All that is known of a step before a run, for a tooltip. */
export function outlookReason(
  trans: TranslationBundle,
  step: PlannedStep
): string {
  const lines = [`${outlookLabel(trans, outlookOf(step))}: ${step.reason}`];
  if (step.stale !== null && step.stale !== step.reason) {
    lines.push(trans.__('Stale: %1', step.stale));
  }
  return lines.join('\n');
}

/** What a run would do, in a sentence. */
export function sentenceOf(trans: TranslationBundle, plan: RunPlan): string {
  const wanted = plan.steps.filter(({ will }) => will !== 'skip');
  const running = wanted.filter(({ will }) => will === 'run');
  const open = wanted.filter(({ will }) => will === 'unknown');
  const total = wanted.length;
  if (total === 0) {
    return '';
  }
  if (running.length + open.length === 0) {
    return trans.__('Nothing to run: all is cached');
  }
  const seconds = running.reduce(
    (sum, { last }) => sum + (last?.duration_s ?? NaN),
    0
  );
  const parts = [trans.__('%1 of %2 will run', running.length, total)];
  if (open.length > 0) {
    parts.push(trans.__('%1 more may', open.length));
  }
  if (Number.isFinite(seconds)) {
    parts.push(trans.__('up to %1', formatDuration(seconds)));
  }
  return parts.join(' · ');
}

/** What a run of one step alone would begin with. */
export interface IOnlyThis {
  /** Steps that have to run first: nothing is there of them. */
  first: readonly string[];

  /** In words for people: what is computed first, and what is taken although it may have changed. */
  notes: readonly string[];
}

/** Say what a run of one step alone would begin with. */
export function onlyThisOf(
  trans: TranslationBundle,
  plan: RunPlan,
  step: string
): IOnlyThis {
  const before = plan.steps.filter(({ name }) => name !== step);
  const first = before
    .filter(({ will }) => will === 'run' || will === 'unknown')
    .map(({ name }) => name);
  const left = before.filter(({ is_left: isLeft }) => isLeft);
  const notes = left.map(it => trans.__('%1 is taken %2.', it.name, it.reason));
  if (first.length > 0) {
    notes.unshift(
      trans._n(
        '%2 must be computed first: nothing is kept of it.',
        '%2 must be computed first: nothing is kept of them.',
        first.length,
        first.join(', ')
      )
    );
  }
  return { first, notes };
}
