import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { CellMarks } from '../notebook/marks';
import { IMlPlatform } from '../tokens';

/** The marks on the cells of the active notebook. */
export const marksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:marks',
  description: 'Marks the cells of a notebook with the steps they belong to.',
  autoStart: true,
  requires: [IMlPlatform],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ): void => {
    const marks = new CellMarks(platform.pipeline, {
      trans: (translator ?? nullTranslator).load(DOMAIN),
      onSelectStep: step =>
        void app.commands.execute(CommandIDs.selectStep, { step }),
      onShowFailure: () =>
        void app.commands.execute(CommandIDs.open, { section: 'pipeline' })
    });
    void settings?.load('jupyter-mlplat:panel').then(loaded => {
      const apply = () => {
        marks.isEnabled = loaded.get('cellMarks').composite as boolean;
      };
      loaded.changed.connect(apply, marks);
      apply();
    });
  }
};
