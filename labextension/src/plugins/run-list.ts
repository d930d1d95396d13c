import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  ICommandPalette,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { CloneRequest, JsonValue, RunPatch } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  archiveIcon,
  chooseIcon,
  cloneIcon,
  linkIcon,
  editIcon,
  searchIcon,
  trashIcon
} from '../icons';
import { ALL_RUNS } from '../panels/runs/query';
import type { IRunFilter } from '../panels/runs/query';
import { IMlPlatform } from '../tokens';
import { linkTo } from './views';

/** What is done with runs in the list: found, chosen, noted, cloned, linked to, deleted together. */
export const runListPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:run-list',
  description: 'Adds the commands of the list of runs.',
  autoStart: true,
  requires: [IMlPlatform],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    Private.addListCommands(app, platform, trans);
    Private.addRunCommands(app, platform, trans);
    for (const command of [
      CommandIDs.chooseRuns,
      CommandIDs.archiveRuns,
      CommandIDs.cloneRun,
      CommandIDs.copyRunLink
    ]) {
      palette?.addItem({ command, category: trans.__('ML Platform') });
    }
  }
};

namespace Private {
  export function addListCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { runs } = platform;

    commands.addCommand(CommandIDs.filterRuns, {
      label: trans.__('Filter Runs'),
      caption: trans.__('Show the runs that match, in an order'),
      icon: searchIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            text: {
              type: 'string',
              description: 'Words of names, notes and tags'
            },
            state: { type: 'string', description: 'Such as "FAILED"' },
            experiment: { type: 'string', description: 'Group of runs' },
            tags: {
              type: 'object',
              description: 'Values by name; null for any value'
            },
            archived: {
              type: 'boolean',
              description: 'Those that were put away, instead of the others'
            },
            sort: {
              type: 'string',
              description: '"newest", "duration", "pipeline" or "metric:NAME"'
            },
            isDescending: {
              type: 'boolean',
              description: 'Largest first; true by default'
            }
          }
        }
      },
      execute: args => {
        const keys = Object.keys(ALL_RUNS).filter(key => key in args);
        const given = Object.fromEntries(keys.map(key => [key, args[key]]));
        runs.setFilter({ ...ALL_RUNS, ...(given as Partial<IRunFilter>) });
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    commands.addCommand(CommandIDs.chooseRuns, {
      label: trans.__('Choose Runs'),
      caption: trans.__('Choose runs in the list to compare or delete them'),
      icon: chooseIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            on: {
              type: 'boolean',
              description: 'Begin or stop; true by default'
            }
          }
        }
      },
      execute: ({ on }) => {
        runs.setChoosing(on !== false);
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    commands.addCommand(CommandIDs.archiveRuns, {
      label: args =>
        args.archived === false
          ? trans.__('Take Runs out of the Archive')
          : trans.__('Archive Runs'),
      caption: trans.__('Put runs away: the list leaves them out'),
      icon: archiveIcon,
      isEnabled: args => meant(args.runs, platform).length > 0,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            runs: {
              type: 'array',
              items: { type: 'string' },
              description:
                'Ids of runs; those chosen in the list, else the one that is open, by default'
            },
            archived: {
              type: 'boolean',
              description: 'false takes them back; true by default'
            }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const patch = { archived: args.archived !== false };
          for (const run of meant(args.runs, platform)) {
            await runs.update(run, patch);
          }
          runs.setChoosing(false);
        })
    });

    commands.addCommand(CommandIDs.deleteRuns, {
      label: trans.__('Delete Runs'),
      caption: trans.__('Delete runs with their logs and outputs'),
      icon: trashIcon,
      isEnabled: args => idsOf(args.runs, platform).length > 0,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            runs: {
              type: 'array',
              items: { type: 'string' },
              description: 'Ids of runs; those chosen in the list by default'
            }
          }
        }
      },
      execute: async args => {
        const ids = idsOf(args.runs, platform);
        const result = await showDialog({
          title: trans._n('Delete %1 run?', 'Delete %1 runs?', ids.length),
          body: trans.__(
            'Their states, logs and outputs are gone for good. Runs that go on and registered models stay.'
          ),
          buttons: [
            Dialog.cancelButton({ label: trans.__('Keep') }),
            Dialog.warnButton({ label: trans.__('Delete') })
          ]
        });
        if (result.button.accept) {
          await platform.attempt(() => deleteAll(platform, ids, trans));
        }
      }
    });
  }

  export function addRunCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { runs, connection } = platform;
    const run = {
      type: 'string',
      description: 'Id of a run; the one that is open by default'
    };
    const runOf = (args: ReadonlyPartialJSONObject): string | null =>
      typeof args.run === 'string' ? args.run : (runs.selected?.id ?? null);
    const isEnabled = (args: ReadonlyPartialJSONObject) => runOf(args) !== null;
    const ask = async (id: string): Promise<CloneRequest | null> => {
      const [run, pipeline, form] = await Promise.all([
        connection.client.getRun(id),
        connection.client.getPipeline(id),
        import('../panels/runs/clone-form')
      ]);
      return form.askForClone(run, pipeline, connection.places, trans);
    };

    commands.addCommand(CommandIDs.updateRun, {
      label: trans.__('Change Note or Tags of the Run'),
      caption: trans.__('Write a note on a run, or change its tags'),
      icon: editIcon,
      isEnabled,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            run,
            note: { type: 'string', description: 'The whole note' },
            tags: {
              type: 'object',
              description: 'New values by name; null takes a tag away'
            },
            experiment: { type: 'string', description: 'Group of runs' }
          }
        }
      },
      execute: async args => {
        const id = runOf(args);
        if (id !== null) {
          const { note, tags, experiment } = args as RunPatch;
          await platform.attempt(() =>
            runs.update(id, { note, tags, experiment })
          );
        }
      }
    });

    commands.addCommand(CommandIDs.copyRunLink, {
      label: trans.__('Copy Link to the Run'),
      caption: trans.__('Copy an address that opens a run'),
      icon: linkIcon,
      isEnabled,
      describedBy: { args: { type: 'object', properties: { run } } },
      execute: args => {
        const id = runOf(args);
        if (id !== null) {
          Clipboard.copyToSystem(
            linkTo(app.serviceManager.serverSettings, 'run', id)
          );
          Notification.info(trans.__('The link is in the clipboard.'), {
            autoClose: 3000
          });
        }
      }
    });

    commands.addCommand(CommandIDs.cloneRun, {
      label: trans.__('Clone Run with Changes…'),
      caption: trans.__(
        'Run the code of a run again, with other parameters; asks for them unless they are given'
      ),
      icon: cloneIcon,
      isEnabled,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            run,
            parameters: { type: 'object', description: 'Values by name' },
            cache: {
              type: 'boolean',
              description: 'Take unchanged steps from the cache'
            },
            until: { type: 'string', description: 'Run only up to this step' },
            on: {
              type: 'string',
              description: 'Where; where the run ran by default'
            }
          }
        }
      },
      execute: async args => {
        const id = runOf(args);
        if (id === null) {
          return;
        }
        await platform.attempt(async () => {
          const request =
            args.parameters === undefined ? await ask(id) : requestOf(args);
          if (request !== null) {
            const clone = await runs.clone(id, request, UUID.uuid4());
            await commands.execute(CommandIDs.openRun, { run: clone.id });
          }
        });
      }
    });
  }

  function requestOf(args: ReadonlyPartialJSONObject): CloneRequest {
    return {
      parameters: args.parameters as Record<string, JsonValue>,
      cache: args.cache !== false,
      until: typeof args.until === 'string' ? args.until : null,
      ...(typeof args.on === 'string' ? { run_on: args.on } : {})
    };
  }

  /** Delete runs one after another; what cannot be deleted is told of once. */
  async function deleteAll(
    platform: IMlPlatform,
    ids: readonly string[],
    trans: TranslationBundle
  ): Promise<void> {
    const refused: unknown[] = [];
    for (const id of ids) {
      try {
        await platform.runs.delete(id);
      } catch (error) {
        refused.push(error);
      }
    }
    if (refused.length > 1) {
      throw new Error(
        trans.__(
          '%1 of %2 runs could not be deleted. The first: %3',
          refused.length,
          ids.length,
          (refused[0] as Error).message
        )
      );
    }
    if (refused.length === 1) {
      throw refused[0];
    }
    platform.runs.setChoosing(false);
  }

  /** The runs that were named, else those that are chosen, else the one that is open. */
  function meant(given: unknown, platform: IMlPlatform): string[] {
    const ids = idsOf(given, platform);
    const open = platform.runs.selected?.id;
    return ids.length === 0 && open !== undefined ? [open] : ids;
  }

  function idsOf(given: unknown, platform: IMlPlatform): string[] {
    return Array.isArray(given)
      ? given.filter(run => typeof run === 'string')
      : [...platform.runs.chosen.keys()];
  }
}
