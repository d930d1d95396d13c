import type * as nbformat from '@jupyterlab/nbformat';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { PartialJSONValue } from '@lumino/coreutils';

import type { JsonValue } from '../api/types';
import type { ICellChange } from './reshaping';
import { merged } from './source';

/** The document of a notebook, which others may edit at the same time. */
export type SharedNotebook = INotebookModel['sharedModel'];

/** A notebook's content without outputs: what decides the pipeline. */
export function snapshotOf(
  notebook: SharedNotebook
): nbformat.INotebookContent {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: notebook.getMetadata(),
    cells: notebook.cells.map(cell => {
      const common = {
        id: cell.getId(),
        cell_type: cell.cell_type,
        source: cell.getSource(),
        metadata: cell.getMetadata()
      };
      return cell.cell_type === 'code'
        ? { ...common, execution_count: null, outputs: [] }
        : common;
    })
  };
}

/** A cell by its id: positions change while others edit. */
export function findShared(
  notebook: SharedNotebook,
  id: string
): SharedNotebook['cells'][number] | null {
  return notebook.cells.find(cell => cell.getId() === id) ?? null;
}

/** The metadata `mlplat` of a cell; nothing where there is none. */
export function metadataIn(
  notebook: SharedNotebook,
  cell: string
): Readonly<Record<string, JsonValue>> {
  const metadata: unknown = findShared(notebook, cell)?.getMetadata('mlplat');
  return (metadata ?? {}) as Readonly<Record<string, JsonValue>>;
}

/**
 * Write metadata of cells, in one step that can be undone. What is there already is not written again:
 * others would be told of a change that is none. Cells that are gone by now are passed over.
 */
export function changeCells(
  notebook: SharedNotebook,
  changes: readonly ICellChange[]
): void {
  notebook.transact(() => {
    for (const { cell: id, set } of changes) {
      const cell = findShared(notebook, id);
      const before = metadataIn(notebook, id);
      const after = merged(before, set);
      if (cell && JSON.stringify(after) !== JSON.stringify(before)) {
        cell.setMetadata('mlplat', after as PartialJSONValue);
      }
    }
  });
}
