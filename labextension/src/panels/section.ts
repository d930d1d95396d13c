import type { LabIcon } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

/**
 * A section of the side panel. Every section has the same form: a header with one primary action, live
 * content, the detail of what is selected, and an empty state that teaches.
 */
export interface ISection {
  /** Stable word, also the argument of `mlplat:open`. */
  readonly id: string;

  readonly label: string;

  readonly caption: string;

  readonly icon: LabIcon;

  /** What fills the panel while the section is chosen. The panel owns it once added. */
  readonly widget: Widget;

  /** A small number on the section's tab; 0 shows none. */
  readonly badge?: {
    readonly value: number;
    readonly changed: ISignal<unknown, void>;
  };
}

/** Where each section stands among the tabs, in the order of a model's life. */
export const RANKS = {
  pipeline: 10,
  runs: 20,
  training: 30,
  tuning: 40,
  models: 50,
  endpoints: 60,
  lineage: 70,
  schedules: 80,
  servers: 90
} as const;
