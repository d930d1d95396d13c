import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { NotebookAdapter } from './adapter';
import type { ServerPaths } from './paths';

/** Finds and opens notebooks by the path a run was made from. */
export class Navigator {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _tracker: INotebookTracker,
    private readonly _paths: ServerPaths
  ) {}

  /** The path of a file below the folder that JupyterLab serves; null for one outside of it. */
  relative(absolutePath: string): string | null {
    return this._paths.relative(absolutePath);
  }

  /** The adapter of a notebook panel: one per panel, for as long as it lives. */
  adapterOf(panel: NotebookPanel): NotebookAdapter {
    let adapter = this._adapters.get(panel);
    if (!adapter) {
      adapter = new NotebookAdapter(panel);
      this._adapters.set(panel, adapter);
    }
    return adapter;
  }

  /** The absolute path of a file below the server's root. */
  absolute(path: string): string {
    return this._paths.absolute(path);
  }

  /** The absolute path of a file, also of one that is named by its path below the server's root. */
  resolve(path: string): string {
    return this._paths.resolve(path);
  }

  /** What to say of a file that JupyterLab cannot open. */
  outside(absolutePath: string): Error {
    return new Error(
      `Cannot open ${absolutePath}: it lies outside ${this._paths.root}, the folder that JupyterLab serves.`
    );
  }

  /** The notebook at a path, absolute or below the server's root, if it is open. */
  find(path: string): NotebookAdapter | null {
    const absolutePath = this.resolve(path);
    const panel = this._tracker.find(
      panel => this._paths.absolute(panel.context.path) === absolutePath
    );
    return panel ? this.adapterOf(panel) : null;
  }

  /** Open the notebook at a path, absolute or below the server's root, or bring it to the front. */
  async open(given: string): Promise<NotebookAdapter> {
    const absolutePath = this.resolve(given);
    const found = this.find(absolutePath);
    if (found) {
      this._app.shell.activateById(found.panel.id);
      return found;
    }
    const path = this._paths.relative(absolutePath);
    if (path === null) {
      throw this.outside(absolutePath);
    }
    const panel = (await this._app.commands.execute('docmanager:open', {
      path,
      factory: 'Notebook'
    })) as NotebookPanel | undefined;
    if (!panel) {
      throw new Error(`Cannot open ${path}: JupyterLab did not find it.`);
    }
    await panel.context.ready;
    return this.adapterOf(panel);
  }

  private readonly _adapters = new WeakMap<NotebookPanel, NotebookAdapter>();
}
