import { JSONExt } from '@lumino/coreutils';

import type { JsonValue, Step } from '../api/types';
import type { ICellChange } from './reshaping';
import { quantityOf } from './settings';

/** Settings of a step as the form has them, spelled as in cell metadata `mlplat`. */
export type SettingsData = Readonly<Record<string, JsonValue>>;

/** What the compiler understood, as the form has it; what is not set is not there. */
export function settingsOf(step: Step): SettingsData {
  const { settings } = step;
  const { cpu, gpu, memory_bytes: memory } = settings.resources;
  const all: Record<string, JsonValue> = {
    step: step.name,
    cpu,
    memory: memory === null ? null : quantityOf(memory),
    gpu,
    cache: settings.cache,
    retries: settings.retry.limit,
    backoff_s: settings.retry.backoff_s,
    timeout: settings.timeout_s,
    kernel: settings.kernel,
    python: settings.python,
    env: settings.env,
    metrics: step.metrics
  };
  return withoutEmpty(all);
}

/** Settings without those that say nothing: forms fill in lists and objects that are empty. */
export function withoutEmpty(data: SettingsData): SettingsData {
  return Object.fromEntries(
    Object.entries(data).filter(
      ([, value]) =>
        !(typeof value === 'object' && Object.keys(value ?? {}).length === 0)
    )
  );
}

/** What to write for a form that was changed: only what was, and no default. */
export function changesOf(step: Step, form: SettingsData): ICellChange[] {
  const before = settingsOf(step);
  const data = withoutEmpty(form);
  const keys = Object.keys({ ...before, ...data }).filter(
    key => key !== 'step' && !equal(before[key], data[key])
  );
  const set = Object.fromEntries(
    keys.map(key => [
      key,
      equal(data[key], STANDARD[key]) ? undefined : data[key]
    ])
  );
  // The last cell that says something would win.
  const none = Object.fromEntries(
    keys.flatMap(key => [key, ALIASES[key] ?? key].map(it => [it, undefined]))
  );
  const name = equal(before.step, data.step) ? {} : { step: data.step };
  const title =
    'step' in name && step.origin === 'heading' ? { title: step.title } : {};
  return step.cells.map(({ id }, index) => ({
    cell: id,
    set:
      index === 0
        ? { ...none, ...title, ...name, ...set }
        : { ...none, ...name }
  }));
}

function equal(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return JSONExt.deepEqual(a ?? null, b ?? null);
}

/** What a step has where nothing is said. A step may be uncacheable by itself: that is always said. */
const STANDARD: SettingsData = {
  cpu: 1,
  gpu: 0,
  retries: 0,
  backoff_s: 1
};

/** The other names by which metadata may say the same. */
const ALIASES: Readonly<Record<string, string>> = {
  memory: 'memory_bytes',
  timeout: 'timeout_s'
};
