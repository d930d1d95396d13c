import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { runsIcon } from '../../icons';
import type { ISection } from '../section';
import { RunsBody } from './body';
import { detailActions } from './detail-actions';
import type { RunsModel } from './model';

/** The Runs section: its model, its view, and the commands between them. */
export function createRunsSection(
  model: RunsModel,
  commands: CommandRegistry,
  rendermime: IRenderMimeRegistry,
  trans: TranslationBundle,
  openNotebook: (path: string) => void
): ISection {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  return {
    id: 'runs',
    label: trans.__('Runs'),
    caption: trans.__('All runs, live'),
    icon: runsIcon,
    badge: {
      get value() {
        return model.activeCount;
      },
      changed: model.changed
    },
    widget: new RunsBody({
      model,
      rendermime,
      trans,
      commandChanged: commands.commandChanged,
      canRun: () => commands.isEnabled(CommandIDs.run),
      actions: {
        ...detailActions(commands, openNotebook),
        openRun: run =>
          run === null
            ? model.open(null)
            : execute(CommandIDs.openRun, { run }),
        showStep: (run, step) =>
          step === null
            ? model.selectStep(null)
            : execute(CommandIDs.showStep, { run, step }),
        archiveMany: (runs, archived) =>
          execute(CommandIDs.archiveRuns, { runs, archived }),
        deleteMany: runs => execute(CommandIDs.deleteRuns, { runs }),
        compare: runs => execute(CommandIDs.compareRuns, { runs }),
        chooseRuns: isOn => execute(CommandIDs.chooseRuns, { on: isOn }),
        connect: () => execute(CommandIDs.connect),
        runNotebook: () => execute(CommandIDs.run)
      }
    })
  };
}
