import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { JSONExt, PromiseDelegate } from '@lumino/coreutils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { CommandIDs } from '../commands';
import type { IMainView, IMainViews } from './view';

/** Opens views in the main area, each once, and brings them back after a reload. */
export class MainViews implements IMainViews {
  /**
   * @param _area - Where views open. The main area of Jupyter Notebook holds its document alone.
   */
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _area: 'main' | 'down'
  ) {}

  /** Bring back what was open; the kinds may be added before or after. */
  restoreWith(restorer: ILayoutRestorer): void {
    void restorer.restore(this._tracker, {
      command: CommandIDs.openView,
      args: widget => this._shown.get(widget) ?? {},
      name: widget => widget.id
    });
  }

  /** The kinds there are, by their words. */
  get kinds(): string[] {
    return [...this._added];
  }

  add(view: IMainView): void {
    this._added.add(view.id);
    this._kind(view.id).resolve(view);
  }

  async open(id: string, given: ReadonlyJSONObject): Promise<void> {
    const view = await this._kind(id).promise;
    const args = view.normalise?.(given) ?? given;
    const name = nameOf(id, args);
    if (!this._tracker.find(open => open.id === name)) {
      await this._tracker.add(this._build(view, name, args));
    }
    this._app.shell.activateById(name);
  }

  private _build(
    view: IMainView,
    name: string,
    args: ReadonlyJSONObject
  ): MainAreaWidget {
    const widget = new MainAreaWidget({ content: view.create(args) });
    widget.toolbar.hide(); // views bring their own
    widget.id = name;
    widget.title.label = view.label(args);
    widget.title.icon = view.icon;
    widget.title.closable = true;
    widget.addClass('jp-mlplat-Main');
    widget.toggleClass('jp-mod-down', this._area === 'down');
    this._shown.set(widget, { view: view.id, ...args });
    this._app.shell.add(widget, this._area, { type: 'ML Platform' });
    return widget;
  }

  /** A kind that is still to come: its plugin may be activated after ours. */
  private _kind(id: string): PromiseDelegate<IMainView> {
    let kind = this._kinds.get(id);
    if (!kind) {
      kind = new PromiseDelegate();
      this._kinds.set(id, kind);
    }
    return kind;
  }

  private readonly _added = new Set<string>();
  private readonly _kinds = new Map<string, PromiseDelegate<IMainView>>();
  private readonly _shown = new WeakMap<object, ReadonlyJSONObject>();
  private readonly _tracker = new WidgetTracker<MainAreaWidget>({
    namespace: 'mlplat-views'
  });
}

/** One name for the same view with the same arguments, whatever their order. */
export function nameOf(id: string, args: ReadonlyJSONObject): string {
  const parts = Object.keys(args)
    .filter(key => !JSONExt.deepEqual(args[key] ?? null, null))
    .sort()
    .map(key => `${key}=${JSON.stringify(args[key])}`);
  return ['jp-mlplat-view', id, ...parts].join(':');
}
