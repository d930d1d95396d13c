import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { settingsIcon } from '../icons';
import { CellMarks } from '../notebook/marks';
import { MarksModel } from '../notebook/marks-model';
import type { StepEditor } from '../notebook/step-editor';
import { IMlPlatform } from '../tokens';

/** The marks on the cells of notebooks, and the editor that opens from them. */
export const marksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:marks',
  description: 'Marks the cells of a notebook with the steps they belong to.',
  autoStart: true,
  requires: [IMlPlatform, INotebookTracker],
  optional: [ITranslator, ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const model = new MarksModel(platform.pipeline, path =>
      platform.navigator.absolute(path)
    );
    /** What acts on a notebook acts on the active one. */
    const activate = (panel: NotebookPanel) => {
      if (tracker.currentWidget !== panel) {
        app.shell.activateById(panel.id);
      }
    };
    const marks = new CellMarks(model, tracker, {
      trans,
      onEdit: (panel, step) => {
        activate(panel);
        void commands.execute(CommandIDs.editStep, { step });
      },
      onRetry: (panel, step) => {
        activate(panel);
        void commands.execute(
          CommandIDs.retryNotebook,
          step === null ? {} : { step }
        );
      },
      onShowRun: (panel, step) => {
        const run = model.runOf(panel.context.path)?.id;
        if (run !== undefined) {
          void commands.execute(
            step === null ? CommandIDs.openRun : CommandIDs.showStep,
            step === null ? { run } : { run, step }
          );
        }
      }
    });
    void settings?.load('jupyter-mlplat:panel').then(loaded => {
      const apply = () => {
        marks.isEnabled = loaded.get('cellMarks').composite as boolean;
      };
      loaded.changed.connect(apply, marks);
      apply();
    });
    Private.addEditor(app, platform, marks, trans);
    palette?.addItem({
      command: CommandIDs.editStep,
      category: trans.__('ML Platform')
    });
  }
};

namespace Private {
  export function addEditor(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    marks: CellMarks,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    let editor: StepEditor | null = null;
    const activeStep = () => {
      const cell = platform.notebook?.panel.content.activeCell?.model.id;
      return cell === undefined
        ? undefined
        : platform.pipeline.stepOf(cell)?.name;
    };
    commands.addCommand(CommandIDs.editStep, {
      label: trans.__('Edit Step…'),
      caption: trans.__('Edit the settings of a step beside its cell'),
      icon: settingsIcon,
      isEnabled: args =>
        typeof args.step === 'string' || activeStep() !== undefined,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            step: {
              type: 'string',
              description: 'Name of a step; that of the active cell by default'
            }
          }
        }
      },
      execute: async args => {
        const name = typeof args.step === 'string' ? args.step : activeStep();
        const { notebook } = platform;
        const step = name === undefined ? null : platform.pipeline.step(name);
        if (notebook === null || step === null) {
          return;
        }
        const anchor = () => marks.chipOf(notebook.panel, step.name);
        if (editor !== null) {
          const isSame = editor.step === step.name;
          editor.dispose();
          if (isSame) {
            return; // a second click closes what the first has opened
          }
        }
        if (anchor() === null) {
          await notebook.reveal(step.cells[0].id);
          await new Promise(requestAnimationFrame);
        }
        if (anchor() === null) {
          // Without marks on the cells there is no place for it but the panel.
          await commands.execute(CommandIDs.selectStep, { step: step.name });
          return;
        }
        const { StepEditor } = await import('../notebook/step-editor');
        editor = new StepEditor({
          model: platform.pipeline,
          step: step.name,
          anchor,
          trans,
          actions: {
            apply: (step, settings) =>
              void commands.execute(CommandIDs.setStep, {
                step,
                settings: { ...settings }
              }),
            runUntil: until => void commands.execute(CommandIDs.run, { until }),
            showAll: step =>
              void commands.execute(CommandIDs.selectStep, { step })
          },
          onClosed: () => {
            editor = null;
          }
        });
        editor.open();
      }
    });
  }
}
