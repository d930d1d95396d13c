import type * as nbformat from '@jupyterlab/nbformat';
import type { ISignal } from '@lumino/signaling';

import type { JsonValue } from '../api/types';

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

  /** Write the document to disk, so that what runs is what is seen. */
  save(): Promise<void>;
}

/** A notebook's content as the wire types name it. */
export function contentOf(
  content: nbformat.INotebookContent
): Record<string, JsonValue> {
  return content as nbformat.INotebookContent & Record<string, JsonValue>;
}
