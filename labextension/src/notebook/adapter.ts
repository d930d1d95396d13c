import type { Cell } from '@jupyterlab/cells';
import type * as nbformat from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Throttler } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { JsonValue } from '../api/types';
import { KernelNotes } from './kernel-notes';
import type { ICellChange } from './reshaping';
import type { StepMetadata } from './settings';
import { changeCells, findShared, metadataIn, snapshotOf } from './shared';
import type { SharedNotebook } from './shared';
import type { INotebookSource } from './source';

/** A notebook panel of JupyterLab as the models see it, and the little we do to its widget. */
export class NotebookAdapter implements INotebookSource, IDisposable {
  constructor(readonly panel: NotebookPanel) {
    this._check = new Throttler(() => this._compare(), CHECK_MS);
    this._notes = new KernelNotes(panel);
    panel.context.ready.then(
      () => {
        if (!this._isDisposed) {
          this._fingerprint = this._takeFingerprint();
          panel.context.model.contentChanged.connect(this._onChanged, this);
          panel.context.pathChanged.connect(this._onPathChanged, this);
        }
      },
      () => undefined
    );
    panel.disposed.connect(this.dispose, this);
  }

  get path(): string {
    return this.panel.context.path;
  }

  get name(): string {
    return this.panel.title.label;
  }

  get ready(): Promise<void> {
    return this.panel.context.ready;
  }

  get contentChanged(): ISignal<this, void> {
    return this._contentChanged;
  }

  get observedChanged(): ISignal<unknown, void> {
    return this._notes.changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  observed(): nbformat.INotebookContent | null {
    const { notes } = this._notes;
    if (notes === null) {
      return null;
    }
    const content = this.snapshot();
    const ours = content.metadata.mlplat as PartialJSONObject | undefined;
    return {
      ...content,
      metadata: { ...content.metadata, mlplat: { ...ours, observed: notes } }
    };
  }

  snapshot(): nbformat.INotebookContent {
    return snapshotOf(this._shared);
  }

  sourceOf(id: string): string | null {
    return findShared(this._shared, id)?.getSource() ?? null;
  }

  /** Find a cell by its id: positions change while others edit. */
  find(id: string): Cell | null {
    return this._cells().find(cell => cell.model.id === id) ?? null;
  }

  async save(): Promise<void> {
    const { context } = this.panel;
    if (context.model.dirty) {
      await context.save();
    }
    if (context.model.dirty) {
      throw new Error(
        `${this.name} could not be saved. Save it, then try again.`
      );
    }
  }

  /**
   * Scroll to a cell and make it the active one.
   *
   * @param options.line - Put the cursor on this line of it.
   * @param options.beside - Another cell to point at, in sight too if there is room for both.
   * @param options.keepsFocus - Leave the keyboard where it is.
   */
  async reveal(
    id: string,
    options: { line?: number; beside?: string; keepsFocus?: boolean } = {}
  ): Promise<void> {
    await this.panel.context.ready;
    const { content } = this.panel;
    const cell = this.find(id);
    if (!cell) {
      throw new Error(
        `${this.name} has no cell ${id} any more. Run the notebook again.`
      );
    }
    const { line, beside, keepsFocus } = options;
    const other = beside === undefined ? null : this.find(beside);
    const scrollTo = (target: Cell, align: 'center' | 'auto') =>
      content
        .scrollToItem(content.widgets.indexOf(target), align)
        .catch(() => undefined); // it is drawn anew meanwhile
    if (other && other !== cell) {
      await scrollTo(other, 'center');
      await scrollTo(cell, 'auto');
      flash(other);
    } else {
      await scrollTo(cell, 'center');
    }
    content.deselectAll();
    content.activeCellIndex = content.widgets.indexOf(cell);
    if (!keepsFocus) {
      content.activate();
    }
    if (line !== undefined && cell.editor) {
      cell.editor.setCursorPosition({ line: line - 1, column: 0 });
    }
    flash(cell);
  }

  metadataOf(cell: string): Readonly<Record<string, JsonValue>> {
    return metadataIn(this._shared, cell);
  }

  change(changes: readonly ICellChange[]): void {
    changeCells(this._shared, changes);
  }

  /** Take the last change of the document back. */
  undo(): void {
    this._shared.undo();
  }

  /** Write a step's settings: all of them on its first cell, the name on every cell. */
  setStep(cells: readonly string[], metadata: StepMetadata): void {
    const none = Object.fromEntries([...OURS].map(key => [key, undefined]));
    this.change(
      cells.map((cell, index) => ({
        cell,
        set: {
          ...none,
          ...(index === 0 ? metadata : { step: metadata.step })
        }
      }))
    );
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._check.dispose();
    this._notes.dispose();
    this.panel.context.model?.contentChanged.disconnect(this._onChanged, this);
    this.panel.context.pathChanged.disconnect(this._onPathChanged, this);
    Signal.clearData(this);
  }

  private get _shared(): SharedNotebook {
    return this.panel.context.model.sharedModel;
  }

  private _cells(): readonly Cell[] {
    return this.panel.content.widgets;
  }

  private _onChanged(): void {
    void this._check.invoke();
  }

  /** A pipeline is named after its file, and its folder decides what it can import. */
  private _onPathChanged(): void {
    this._contentChanged.emit();
  }

  /** Outputs change the document too; only what a pipeline is made from counts. */
  private _compare(): void {
    if (this._isDisposed) {
      return;
    }
    const fingerprint = this._takeFingerprint();
    if (fingerprint !== this._fingerprint) {
      this._fingerprint = fingerprint;
      this._contentChanged.emit();
    }
  }

  private _takeFingerprint(): string {
    return JSON.stringify(this.snapshot());
  }

  private readonly _contentChanged = new Signal<this, void>(this);
  private readonly _check: Throttler;
  private readonly _notes: KernelNotes;
  private _fingerprint = '';
  private _isDisposed = false;
}

/** Point at a cell for a moment. */
function flash({ node }: Cell): void {
  node.classList.remove('jp-mlplat-flash');
  // Reading the width restarts the animation where it is running already.
  void node.offsetWidth;
  node.classList.add('jp-mlplat-flash');
}

/** Keys of cell metadata `mlplat` that the form sets; all others stay as they are. */
const OURS = new Set([
  'step',
  'cpu',
  'memory',
  'gpu',
  'cache',
  'retries',
  'timeout',
  'timeout_s'
]);

const CHECK_MS = 100;
