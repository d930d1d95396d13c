import { isFinal } from '../../api/states';
import type { Run, Task } from '../../api/types';

/** A task of a run, where it is shown below the one it lies in. */
export interface IOutlineRow {
  task: Task;
  /** How deep it lies: 0 for what the pipeline itself names. */
  depth: number;
  /** What it is called where it lies. */
  label: string;
  /** How many steps there are in it, at any depth, and how many of them are over; null: a step. */
  inside: { done: number; total: number } | null;
  isOpen: boolean;
}

/** As many as one looks at without being asked whether one wants to. */
const SHOWN_AT_FIRST = 12;
const DEEP = 2;

/**
 * List the tasks of a run, each followed by those that lie in it, as far as they are unfolded.
 *
 * What was folded or unfolded stays so; at first small scopes are open, and those of a failure or
 * of the selected step.
 */
export function outlineOf(
  run: Run,
  toggled: ReadonlyMap<string, boolean>,
  selected: string | null
): IOutlineRow[] {
  const inner = new Map<string | null, Task[]>();
  for (const task of run.tasks) {
    const tasks = inner.get(task.parent);
    if (tasks) {
      tasks.push(task);
    } else {
      inner.set(task.parent, [task]);
    }
  }
  const wanted = ancestorsOf(run, selected);
  const rows: IOutlineRow[] = [];
  const visit = (task: Task, depth: number): IOutlineRow => {
    const row: IOutlineRow = {
      task,
      depth,
      label: depth > 0 ? (task.path.at(-1) ?? task.name) : task.name,
      inside: null,
      isOpen: false
    };
    if (task.kind === 'step') {
      return row;
    }
    const tasks = inner.get(task.name) ?? [];
    row.isOpen =
      toggled.get(task.name) ??
      (wanted.has(task.name) ||
        task.state === 'FAILED' ||
        (tasks.length <= SHOWN_AT_FIRST && depth < DEEP));
    row.inside = count(tasks, inner);
    return row;
  };
  const stack = [...(inner.get(null) ?? [])]
    .reverse()
    .map(task => ({ task, depth: 0 }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const row = visit(next.task, next.depth);
    rows.push(row);
    if (row.isOpen) {
      const tasks = inner.get(row.task.name) ?? [];
      for (const task of [...tasks].reverse()) {
        stack.push({ task, depth: row.depth + 1 });
      }
    }
  }
  return rows;
}

function ancestorsOf(run: Run, step: string | null): ReadonlySet<string> {
  const found = new Set<string>();
  const byName = new Map(run.tasks.map(task => [task.name, task]));
  let name = (step && byName.get(step)?.parent) ?? null;
  while (name !== null && !found.has(name)) {
    found.add(name);
    name = byName.get(name)?.parent ?? null;
  }
  return found;
}

function count(
  tasks: readonly Task[],
  inner: ReadonlyMap<string | null, readonly Task[]>
): { done: number; total: number } {
  let done = 0;
  let total = 0;
  const stack = [...tasks];
  for (let task = stack.pop(); task; task = stack.pop()) {
    if (task.kind === 'step') {
      total += 1;
      done += isFinal(task.state) ? 1 : 0;
    }
    stack.push(...(inner.get(task.name) ?? []));
  }
  return { done, total };
}
