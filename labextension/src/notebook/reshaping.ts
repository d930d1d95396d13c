import type { JsonValue, Pipeline, Step } from '../api/types';

/** What to write into the metadata `mlplat` of one cell; a key without a value goes away. */
export interface ICellChange {
  cell: string;
  set: Readonly<Record<string, JsonValue | undefined>>;
}

/** Why steps cannot be changed as asked. */
export type Refusal =
  | { code: 'no-such-step'; step: string }
  | { code: 'bad-name'; name: string }
  | { code: 'name-taken'; name: string }
  | { code: 'named-in-source'; step: string }
  | { code: 'first-cell'; step: string }
  | { code: 'between'; first: string; second: string; between: string[] };

/** Changes to cells, and the step to look at afterwards; or why not. */
export type Reshaping =
  { changes: ICellChange[]; step: string } | { refusal: Refusal };

/** As the compiler takes names: at most 63 characters, as in Kubernetes. */
export const STEP_NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

/** Give a step another name; steps that are told to wait for it follow. */
export function renameStep(
  pipeline: Pipeline,
  name: string,
  newName: string,
  metadataOf: (cell: string) => Readonly<Record<string, JsonValue>>
): Reshaping {
  const step = find(pipeline, name);
  const refusal =
    step === null
      ? refused({ code: 'no-such-step', step: name })
      : (refuseName(pipeline, newName) ?? refuseSource(step));
  if (step === null || refusal) {
    return refusal!;
  }
  const own = step.cells.map(({ id }, index) => ({
    cell: id,
    // A step named by a heading keeps it as its title.
    set: { step: newName, ...(index === 0 ? titleOf(step) : {}) }
  }));
  const others = pipeline.steps.flatMap(({ cells }) =>
    cells.flatMap(({ id }) => {
      const after = metadataOf(id).after;
      const names = Array.isArray(after) ? after : [];
      return names.includes(name)
        ? [
            {
              cell: id,
              set: { after: names.map(it => (it === name ? newName : it)) }
            }
          ]
        : [];
    })
  );
  const changes = [...own, ...others.filter(({ cell }) => !has(own, cell))];
  return { changes, step: newName };
}

/** Make two steps one, named as the one that comes first. */
export function mergeSteps(
  pipeline: Pipeline,
  names: readonly [string, string]
): Reshaping {
  const steps = names.map(name => find(pipeline, name));
  const missing = steps.indexOf(null);
  if (missing >= 0 || names[0] === names[1]) {
    return refused({ code: 'no-such-step', step: names[Math.max(0, missing)] });
  }
  const [first, second] = (steps as Step[]).sort(
    (a, b) => pipeline.steps.indexOf(a) - pipeline.steps.indexOf(b)
  );
  const between = stepsBetween(pipeline, first.name, second.name);
  if (between.length > 0) {
    return refused({
      code: 'between',
      first: first.name,
      second: second.name,
      between
    });
  }
  const refusal = refuseSource(first) ?? refuseSource(second);
  if (refusal) {
    return refusal;
  }
  const changes = [...first.cells, ...second.cells].map(({ id }, index) => ({
    cell: id,
    set: { step: first.name, ...(index === 0 ? titleOf(first) : {}) }
  }));
  return { changes, step: first.name };
}

/** Let a step end above one of its cells; that one and those below become a step of their own. */
export function splitStep(
  pipeline: Pipeline,
  cell: string,
  newName: string | null,
  metadataOf: (cell: string) => Readonly<Record<string, JsonValue>>
): Reshaping {
  const step =
    pipeline.steps.find(({ cells }) => cells.some(({ id }) => id === cell)) ??
    null;
  if (step === null) {
    return refused({ code: 'no-such-step', step: cell });
  }
  const at = step.cells.findIndex(({ id }) => id === cell);
  if (at === 0) {
    return refused({ code: 'first-cell', step: step.name });
  }
  const name = newName ?? freeName(pipeline, step.name);
  const refusal = refuseName(pipeline, name) ?? refuseSource(step);
  if (refusal) {
    return refusal;
  }
  // What was set for the whole step holds for both.
  const settings = { ...metadataOf(step.cells[0].id), title: undefined };
  const changes = step.cells.map(({ id }, index): ICellChange => ({
    cell: id,
    set: {
      ...(index === at ? settings : {}),
      step: index < at ? step.name : name,
      ...(index === 0 ? titleOf(step) : {})
    }
  }));
  return { changes, step: name };
}

/** Steps that need the first one and are needed by the second. */
function stepsBetween(
  pipeline: Pipeline,
  first: string,
  second: string
): string[] {
  const below = reach(pipeline, first, ({ from, to }) => [from, to]);
  const above = reach(pipeline, second, ({ from, to }) => [to, from]);
  return pipeline.steps
    .map(({ name }) => name)
    .filter(name => name !== first && name !== second)
    .filter(name => below.has(name) && above.has(name));
}

function reach(
  pipeline: Pipeline,
  start: string,
  way: (edge: { from: string; to: string }) => [string, string]
): Set<string> {
  const reached = new Set([start]);
  const frontier = [start];
  for (let name = frontier.pop(); name !== undefined; name = frontier.pop()) {
    for (const edge of pipeline.edges) {
      const [here, there] = way(edge);
      if (here === name && !reached.has(there)) {
        reached.add(there);
        frontier.push(there);
      }
    }
  }
  return reached;
}

/** A step's name with the next free number behind it. */
export function freeName(pipeline: Pipeline, name: string): string {
  for (let number = 2; ; number++) {
    const tail = `-${number}`;
    const candidate = name.slice(0, 63 - tail.length) + tail;
    if (find(pipeline, candidate) === null) {
      return candidate;
    }
  }
}

function titleOf(step: Step): { title?: string } {
  return step.origin === 'heading' ? { title: step.title } : {};
}

function refuseName(pipeline: Pipeline, name: string): Reshaping | null {
  if (!STEP_NAME.test(name)) {
    return refused({ code: 'bad-name', name });
  }
  return find(pipeline, name) === null
    ? null
    : refused({ code: 'name-taken', name });
}

/** What a cell's own source says of its step goes before its metadata. */
function refuseSource(step: Step): Reshaping | null {
  return step.origin === 'magic' || step.origin === 'kale'
    ? refused({ code: 'named-in-source', step: step.name })
    : null;
}

function refused(refusal: Refusal): { refusal: Refusal } {
  return { refusal };
}

function find(pipeline: Pipeline, name: string): Step | null {
  return pipeline.steps.find(step => step.name === name) ?? null;
}

function has(changes: readonly ICellChange[], cell: string): boolean {
  return changes.some(change => change.cell === cell);
}
