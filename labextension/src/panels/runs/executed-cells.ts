import type * as nbformat from '@jupyterlab/nbformat';
import { JSONExt } from '@lumino/coreutils';
import type { PartialJSONValue, ReadonlyJSONObject } from '@lumino/coreutils';

import type { CellRun } from '../../api/types';

/** Take newer cells; one that is as it was stays the same object, so that it is not drawn again. */
export function keepEqual(
  before: readonly nbformat.ICodeCell[],
  after: readonly nbformat.ICell[]
): readonly nbformat.ICodeCell[] {
  const known = new Map(before.map(cell => [cell.id, cell]));
  return after.filter(isCode).map(cell => {
    const old = known.get(cell.id);
    if (!old) {
      return cell;
    }
    const isEqual = (a: unknown, b: unknown) =>
      JSONExt.deepEqual(a as PartialJSONValue, b as PartialJSONValue);
    if (isEqual(old, cell)) {
      return old;
    }
    return isEqual(old.outputs, cell.outputs)
      ? { ...cell, outputs: old.outputs }
      : cell;
  });
}

function isCode(cell: nbformat.ICell): cell is nbformat.ICodeCell {
  return cell.cell_type === 'code' && Array.isArray(cell.outputs);
}

/** What is known of a cell: from the run while it goes on, else from the executed notebook. */
export function describeCell(
  cell: nbformat.ICodeCell,
  run: CellRun | null
): { state: CellRun['state']; seconds: number | null } {
  const ours = (cell.metadata.mlplat ?? {}) as ReadonlyJSONObject;
  const state = run && run.state !== 'pending' ? run.state : ours.state;
  const seconds = run?.duration_s ?? ours.duration_s;
  return {
    state: isCellState(state) ? state : 'pending',
    seconds: typeof seconds === 'number' ? seconds : null
  };
}

const STATES: readonly unknown[] = ['pending', 'running', 'ok', 'error'];

function isCellState(state: unknown): state is CellRun['state'] {
  return STATES.includes(state);
}
