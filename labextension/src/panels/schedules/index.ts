import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { schedulesIcon } from '../../icons';
import type { ISection } from '../section';
import { SchedulesBody } from './body';
import type { ISchedulesActions } from './body';
import type { SchedulesModel } from './model';

/** The Schedules section: its model, its view, and the commands between them. */
export function createSchedulesSection(
  options: SchedulesBody.IOptions
): ISection {
  const { model, trans } = options;
  return {
    id: 'schedules',
    label: trans.__('Schedules'),
    caption: trans.__('Notebooks and pipelines that run by themselves'),
    icon: schedulesIcon,
    badge: {
      get value() {
        return model.troubledCount;
      },
      changed: model.changed
    },
    widget: new SchedulesBody(options)
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: SchedulesModel,
  commands: CommandRegistry
): ISchedulesActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const on = (id: string) => (schedule: string) => execute(id, { schedule });
  return {
    open: schedule =>
      schedule === null
        ? model.open(null)
        : execute(CommandIDs.openSchedule, { schedule }),
    create: () => execute(CommandIDs.newSchedule),
    edit: on(CommandIDs.editSchedule),
    runNow: on(CommandIDs.runSchedule),
    pause: on(CommandIDs.pauseSchedule),
    resume: on(CommandIDs.resumeSchedule),
    backfill: on(CommandIDs.backfillSchedule),
    delete: on(CommandIDs.deleteSchedule),
    openRun: run => execute(CommandIDs.openRunTab, { run }),
    openExecuted: (run, page) =>
      execute(CommandIDs.openExecuted, { run, page }),
    connect: () => execute(CommandIDs.connect)
  };
}
