import type { Pipeline, Run } from '../api/types';

/** What it takes to stand before a step in a kernel. */
export interface IStateBefore {
  /** Name for the console or notebook. */
  name: string;

  /** Name of the notebook's kernel. */
  kernel: string;

  /** What to run: it puts into the kernel what the step was given, and none of its cells. */
  code: string;

  /** Sources of the step's cells up to the one that failed, or of all of them. */
  cells: readonly string[];
}

/**
 * Say how to stand before a step of a run.
 *
 * @throws Error There is no such step, or its state cannot be restored.
 */
export function stateBefore(
  run: Run,
  pipeline: Pipeline,
  name: string
): IStateBefore {
  const step = pipeline.steps.find(step => step.name === name);
  if (!step) {
    throw new Error(`Run ${run.number} has no step ${name}.`);
  }
  if (pipeline.language !== 'python') {
    throw new Error(
      `The state before step ${name} cannot be restored: its notebook is written in ${pipeline.language}, and only Python is understood.`
    );
  }
  const failure = run.tasks.find(task => task.name === name)?.failure;
  const failed = step.cells.findIndex(cell => cell.id === failure?.cell);
  const cells = failed < 0 ? step.cells : step.cells.slice(0, failed + 1);
  return {
    name: `before ${name} of run ${run.number}`,
    kernel: step.settings.kernel ?? pipeline.kernel,
    code: `%load_ext jupyter_mlplat\n%mlplat restore ${run.id} --step ${quote(name)}`,
    cells: cells.map(cell => cell.source)
  };
}

/** Cells as one input; only the last where one of them must stand alone: a cell magic. */
export function joinCells(cells: readonly string[]): string {
  const [first = '', ...rest] = cells;
  const areJoinable =
    !cells.some(source => /^\s*%%/.test(source)) && rest.length > 0;
  return areJoinable
    ? [first, ...rest].map(source => source.trimEnd()).join('\n\n')
    : (cells[cells.length - 1] ?? '');
}

/** A word of a magic's line: neither spaces nor dollars mean anything in it. */
function quote(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word}'`;
}
