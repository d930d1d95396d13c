import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { compareIcon } from '../icons';
import { CompareView } from '../panels/compare';
import { CompareModel } from '../panels/compare/model';
import { MOST_COMPARED } from '../panels/runs/query';
import { IMlPlatform, IMlPlatformViews } from '../tokens';

/** Runs side by side in the main area. */
export const comparePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:compare',
  description: 'Compares runs side by side.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformViews],
  optional: [ITranslator, ICommandPalette, IRenderMimeRegistry],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    views: IMlPlatformViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;

    views.add({
      id: 'compare',
      icon: compareIcon,
      label: args => trans.__('Compare %1 Runs', idsOf(args.runs).length),
      create: args => {
        void platform.connection.ensure();
        return new CompareView(
          new CompareModel(platform.connection, idsOf(args.runs)),
          trans,
          rendermime,
          run => void commands.execute(CommandIDs.openRun, { run })
        );
      }
    });

    commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare Runs'),
      caption: trans.__('Compare two to six runs side by side'),
      icon: compareIcon,
      isEnabled: ({ runs }) => {
        const { length } = idsOf(runs ?? chosenIn(platform));
        return length >= 2 && length <= MOST_COMPARED;
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            runs: {
              type: 'array',
              items: { type: 'string' },
              minItems: 2,
              maxItems: MOST_COMPARED,
              description:
                'Ids of the runs; those chosen in the list by default'
            }
          }
        }
      },
      execute: ({ runs }) =>
        commands.execute(CommandIDs.openView, {
          view: 'compare',
          runs: idsOf(runs ?? chosenIn(platform))
        })
    });
    palette?.addItem({
      command: CommandIDs.compareRuns,
      category: trans.__('ML Platform')
    });
  }
};

function chosenIn(platform: IMlPlatform): string[] {
  return [...platform.runs.chosen.keys()];
}

function idsOf(runs: unknown): string[] {
  return Array.isArray(runs)
    ? runs.filter(run => typeof run === 'string').slice(0, MOST_COMPARED)
    : [];
}
