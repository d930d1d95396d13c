import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

/** A kind of view in the main area: a graph, a run in full, a comparison. */
export interface IMainView {
  /** Stable word, the argument `view` of `mlplat:open-view`. */
  readonly id: string;

  readonly icon: LabIcon;

  /** Title of the tab. */
  label(args: ReadonlyJSONObject): string;

  /** Spell arguments that mean the same alike, so that one view shows it. */
  normalise?(args: ReadonlyJSONObject): ReadonlyJSONObject;

  /** Build the content. It must come up by itself when the page is loaded again: from `args` alone. */
  create(args: ReadonlyJSONObject): Widget;
}

/** The kinds of views that the main area can show; each tab is restored after a reload. */
export interface IMainViews {
  add(view: IMainView): void;

  /** Show a view; one that is open with the same arguments comes to the front. */
  open(id: string, args: ReadonlyJSONObject): Promise<void>;
}
