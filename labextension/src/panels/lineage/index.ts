import type { TranslationBundle } from '@jupyterlab/translation';

import { lineageIcon } from '../../icons';
import type { ISection } from '../section';
import type { ILineageActions } from './actions';
import { LineageBody } from './body';
import type { LineageModel } from './model';

export type { ILineageActions } from './actions';
export type { ISubject } from './explorer';
export { LineageModel } from './model';

/** The Lineage section: its model, its view, and the commands between them. */
export function createLineageSection(
  model: LineageModel,
  actions: ILineageActions,
  trans: TranslationBundle
): ISection {
  return {
    id: 'lineage',
    label: trans.__('Lineage'),
    caption: trans.__('What made it, and where it went'),
    icon: lineageIcon,
    widget: new LineageBody({ model, actions, trans })
  };
}
