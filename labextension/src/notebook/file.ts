import type * as nbformat from '@jupyterlab/nbformat';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { JsonValue } from '../api/types';
import type { INotebookSource } from './source';

/** A notebook that is not open in an editor, as its file stands. */
export class NotebookFile implements INotebookSource {
  constructor(
    private readonly _contents: Contents.IManager,
    readonly path: string
  ) {
    this._ready = this._load();
    _contents.fileChanged.connect(this._onFileChanged, this);
  }

  /** Resolves when the file is read as it stands now. */
  get ready(): Promise<void> {
    return this._ready;
  }

  get name(): string {
    return this.path.split('/').at(-1) ?? this.path;
  }

  get contentChanged(): ISignal<this, void> {
    return this._contentChanged;
  }

  /** It has no kernel. */
  get observedChanged(): ISignal<this, void> {
    return this._observedChanged;
  }

  observed(): null {
    return null;
  }

  snapshot(): nbformat.INotebookContent {
    if (this._content === null) {
      throw new Error(`${this.path} has not been read yet. Wait for it.`);
    }
    return this._content;
  }

  sourceOf(cell: string): string | null {
    const source = this._find(cell)?.source ?? null;
    return Array.isArray(source) ? source.join('') : source;
  }

  metadataOf(cell: string): Readonly<Record<string, JsonValue>> {
    const mlplat: unknown = this._find(cell)?.metadata.mlplat;
    return (mlplat ?? {}) as Readonly<Record<string, JsonValue>>;
  }

  change(): void {
    throw new Error(`${this.name} is not open. Open it to change its cells.`);
  }

  async save(): Promise<void> {
    // The file is what there is.
  }

  dispose(): void {
    this._contents.fileChanged.disconnect(this._onFileChanged, this);
    Signal.clearData(this);
  }

  private _find(cell: string): nbformat.ICell | undefined {
    return this._content?.cells.find(({ id }) => id === cell);
  }

  private _load(): Promise<void> {
    const loading = this._read();
    // A fault shows up where the notebook is waited for.
    loading.catch(() => undefined);
    return loading;
  }

  private async _read(): Promise<void> {
    const options = { type: 'notebook', content: true } as const;
    const model = await this._contents
      .get(this.path, options)
      .catch((error: { response?: Response }) => {
        throw error.response?.status === 404
          ? new Error(
              `There is no notebook ${this.path}. Was it moved, renamed or deleted? Open it where it is now.`
            )
          : error;
      });
    const content = model.content as nbformat.INotebookContent;
    const cells = content.cells.map(cell =>
      cell.cell_type === 'code' ? { ...cell, outputs: [] } : cell
    );
    this._content = { ...content, cells };
  }

  private _onFileChanged(_: unknown, change: Contents.IChangedArgs): void {
    if (change.type === 'save' && change.newValue?.path === this.path) {
      this._ready = this._load();
      this._ready.then(
        () => this._contentChanged.emit(),
        () => undefined // it is gone; what was read stands
      );
    }
  }

  private readonly _contentChanged = new Signal<this, void>(this);
  private readonly _observedChanged = new Signal<this, void>(this);
  private _ready: Promise<void>;
  private _content: nbformat.INotebookContent | null = null;
}
