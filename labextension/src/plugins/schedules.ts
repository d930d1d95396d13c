import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';

import type { EventStream } from '../api/events';
import type { Event, Firing, ScheduleStatus } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  backfillIcon,
  pauseIcon,
  playIcon,
  schedulesIcon,
  settingsIcon,
  trashIcon
} from '../icons';
import { actionsOf, createSchedulesSection } from '../panels/schedules';
import { SchedulesModel } from '../panels/schedules/model';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Schedules section and its commands. */
export const schedulesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:schedules',
  description: 'Adds the Schedules section to the side panel.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { connection, navigator } = platform;
    const model = new SchedulesModel(
      connection,
      Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
    );
    Private.addCommands(app, platform, model, trans);
    panel.addSection(
      createSchedulesSection({
        model,
        trans,
        actions: actionsOf(model, app.commands),
        shortPath: path => navigator.relative(path) ?? path,
        absolutePath: path =>
          path.startsWith('/') ? path : navigator.absolute(path)
      }),
      RANKS.schedules
    );
    connection.events.received.connect((_: EventStream, event: Event) => {
      if (event.kind === 'schedule.fired') {
        Private.notify(app, event.data as unknown as Firing, trans);
      }
    });
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.newSchedule,
      CommandIDs.openSchedule,
      CommandIDs.editSchedule,
      CommandIDs.runSchedule,
      CommandIDs.pauseSchedule,
      CommandIDs.resumeSchedule,
      CommandIDs.backfillSchedule,
      CommandIDs.deleteSchedule
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  /** A command on one schedule: what differs from command to command. */
  interface IScheduleCommand {
    label: string;
    caption: string;
    icon: LabIcon;

    /** Whether it makes sense for a schedule as it is. */
    fits?: (status: ScheduleStatus) => boolean;
    execute: (schedule: string) => unknown;
  }

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    model: SchedulesModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const show = () =>
      commands.execute(CommandIDs.open, { section: 'schedules' });
    const nameOf = (given: unknown): string | null =>
      typeof given === 'string' && given !== ''
        ? given
        : (model.selected?.schedule.name ??
          (model.schedules.length === 1
            ? model.schedules[0].schedule.name
            : null));
    const add = (id: string, command: IScheduleCommand): void => {
      const { label, caption, icon, fits } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: ({ schedule }) => {
          const name = nameOf(schedule);
          const known = model.schedules.find(one => one.schedule.name === name);
          // One that is not known yet may be there all the same: the engine will tell.
          return name !== null && (!known || !fits || fits(known));
        },
        describedBy: {
          args: {
            type: 'object',
            properties: {
              schedule: {
                type: 'string',
                description:
                  'Name of the schedule; the one that is open by default'
              }
            }
          }
        },
        execute: async ({ schedule }) => {
          const name = nameOf(schedule);
          if (name !== null) {
            await command.execute(name);
          }
        }
      });
    };

    commands.addCommand(CommandIDs.newSchedule, {
      label: args => (args.toolbar ? '' : trans.__('Schedule a Notebook…')),
      caption: trans.__('Let a notebook or a pipeline run by itself'),
      icon: schedulesIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: {
              type: 'string',
              description:
                'Path of a notebook or a KFP pipeline; the open notebook by default'
            },
            toolbar: {
              type: 'boolean',
              description: 'Whether it is shown as an icon only'
            }
          }
        }
      },
      execute: async ({ path }) => {
        const given =
          typeof path === 'string' ? path : (platform.notebook?.path ?? '');
        await platform.connection.ensure();
        await show();
        model.compose(
          given === '' || given.startsWith('/')
            ? given
            : platform.navigator.absolute(given)
        );
      }
    });

    add(CommandIDs.openSchedule, {
      label: trans.__('Open Schedule'),
      caption: trans.__('Show a schedule with its history'),
      icon: schedulesIcon,
      execute: async name => {
        await show();
        model.open(name);
      }
    });

    add(CommandIDs.editSchedule, {
      label: trans.__('Change Schedule…'),
      caption: trans.__('Change what a schedule runs, and when'),
      icon: settingsIcon,
      execute: async name => {
        await show();
        model.open(name);
        model.edit(name);
      }
    });

    add(CommandIDs.runSchedule, {
      label: trans.__('Run Schedule Now'),
      caption: trans.__('Fire a schedule once, whatever is planned'),
      icon: playIcon,
      execute: name => platform.attempt(() => model.runNow(name, UUID.uuid4()))
    });

    add(CommandIDs.pauseSchedule, {
      label: trans.__('Pause Schedule'),
      caption: trans.__('Let a schedule fire no more until it is resumed'),
      icon: pauseIcon,
      fits: ({ schedule }) => !schedule.paused,
      execute: name => platform.attempt(() => model.pause(name, true))
    });

    add(CommandIDs.resumeSchedule, {
      label: trans.__('Resume Schedule'),
      caption: trans.__('Let a paused schedule fire again'),
      icon: playIcon,
      fits: ({ schedule }) => schedule.paused === true,
      execute: name => platform.attempt(() => model.pause(name, false))
    });

    add(CommandIDs.backfillSchedule, {
      label: trans.__('Back-fill Schedule…'),
      caption: trans.__('Run the planned times of a stretch of the past'),
      icon: backfillIcon,
      execute: name =>
        platform.attempt(async () => {
          // Nobody needs it before it is asked for.
          const { StretchField } = await import('../panels/schedules/backfill');
          const asked = await showDialog({
            title: trans.__('Back-fill %1', name),
            body: new StretchField(trans, new Date()),
            buttons: [
              Dialog.cancelButton(),
              Dialog.okButton({ label: trans.__('Look') })
            ]
          });
          if (!asked.button.accept || !asked.value) {
            return;
          }
          const { start, end } = asked.value;
          const found = await model.backfill(name, start, end, true);
          if (found.length === 0) {
            Notification.info(
              trans.__('%1 has fired every time planned there.', name),
              { autoClose: 4000 }
            );
            return;
          }
          const isMeant = await confirm(
            trans.__('Back-fill %1?', name),
            trans._n(
              '%1 run is begun, for the time that nothing came of.',
              '%1 runs are begun one by one, for the times that nothing came of.',
              found.length
            ),
            trans.__('Run them'),
            trans.__('Leave it')
          );
          if (isMeant) {
            await model.backfill(name, start, end, false);
          }
        })
    });

    add(CommandIDs.deleteSchedule, {
      label: trans.__('Delete Schedule'),
      caption: trans.__('Forget a schedule; its runs stay'),
      icon: trashIcon,
      execute: async name => {
        const isMeant = await confirm(
          trans.__('Delete schedule %1?', name),
          trans.__(
            'It fires no more, and its history is gone. Its runs stay, and one that still goes is not stopped.'
          ),
          trans.__('Delete'),
          trans.__('Keep')
        );
        if (isMeant) {
          await platform.attempt(() => model.delete(name));
        }
      }
    });
  }

  /** Tell of a firing that failed; runs themselves are told of elsewhere. */
  export function notify(
    app: JupyterFrontEnd,
    firing: Firing,
    trans: TranslationBundle
  ): void {
    const key = `${firing.schedule_id}/${firing.key}/${firing.row}`;
    // A run that failed is told of as a run; here is what has none.
    if (firing.state !== 'FAILED' || firing.run_id !== null || told.has(key)) {
      return;
    }
    told.add(key);
    Notification.error(
      trans.__(
        'Schedule %1 could not be run: %2',
        firing.schedule,
        firing.message
      ),
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Show'),
            callback: () =>
              void app.commands.execute(CommandIDs.openSchedule, {
                schedule: firing.schedule
              })
          }
        ]
      }
    );
  }

  const told = new Set<string>();

  async function confirm(
    title: string,
    body: string,
    accept: string,
    reject: string
  ): Promise<boolean> {
    const result = await showDialog({
      title,
      body,
      buttons: [
        Dialog.cancelButton({ label: reject }),
        Dialog.warnButton({ label: accept })
      ]
    });
    return result.button.accept;
  }
}
