import type * as nbformat from '@jupyterlab/nbformat';
import type { ISignal } from '@lumino/signaling';

import type { JsonValue } from '../api/types';
import type { ICellChange } from './reshaping';

/** A notebook that is open in an editor, as the models see it: no widget, no DOM. */
export interface INotebookSource {
  /** Path as the Jupyter server names it. */
  readonly path: string;

  /** File name, for people. */
  readonly name: string;

  /** Resolves when the document is loaded. */
  readonly ready: Promise<void>;

  /** Cells came, went, moved or were edited; outputs do not count. */
  readonly contentChanged: ISignal<unknown, void>;

  /** The notebook as it stands, without outputs: what decides the pipeline. */
  snapshot(): nbformat.INotebookContent;

  /** What its kernel saw its cells do has changed. */
  readonly observedChanged: ISignal<unknown, void>;

  /** The same with what its kernel saw, null where that is nothing. */
  observed(): nbformat.INotebookContent | null;

  /** The source of a cell, null where there is no such cell. */
  sourceOf(cell: string): string | null;

  /** The metadata `mlplat` of a cell; nothing where there is none. */
  metadataOf(cell: string): Readonly<Record<string, JsonValue>>;

  /** Write metadata of cells, all in one step that can be undone. */
  change(changes: readonly ICellChange[]): void;

  /** Write the document to disk, so that what runs is what is seen. */
  save(): Promise<void>;
}

/** A notebook's content as it would be after changes to the metadata of its cells. */
export function changed(
  content: nbformat.INotebookContent,
  changes: readonly ICellChange[]
): nbformat.INotebookContent {
  const sets = new Map(changes.map(({ cell, set }) => [cell, set]));
  return {
    ...content,
    cells: content.cells.map(cell => {
      const set = sets.get(String(cell.id));
      if (set === undefined) {
        return cell;
      }
      const before = cell.metadata.mlplat as
        Readonly<Record<string, JsonValue>> | undefined;
      const mlplat = merged(before ?? {}, set);
      return { ...cell, metadata: { ...cell.metadata, mlplat } };
    }) as nbformat.ICell[]
  };
}

/** Metadata with some keys set; those without a value go away. */
export function merged(
  before: Readonly<Record<string, JsonValue>>,
  set: ICellChange['set']
): Record<string, JsonValue> {
  const all = Object.entries({ ...before, ...set });
  return Object.fromEntries(
    all.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined)
  );
}

/** A notebook's content as the wire types name it. */
export function contentOf(
  content: nbformat.INotebookContent
): Record<string, JsonValue> {
  return content as nbformat.INotebookContent & Record<string, JsonValue>;
}
