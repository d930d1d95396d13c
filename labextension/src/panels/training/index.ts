import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { trainingIcon } from '../../icons';
import type { ISection } from '../section';
import { TrainingBody } from './body';
import type { ITrainingActions } from './body';
import type { TrainingModel } from './model';

/** The Training section: its model, its view, and the commands between them. */
export function createTrainingSection(
  options: TrainingBody.IOptions
): ISection {
  const { model, trans } = options;
  return {
    id: 'training',
    label: trans.__('Training'),
    caption: trans.__('Train jobs, live'),
    icon: trainingIcon,
    badge: {
      get value() {
        return model.activeCount;
      },
      changed: model.changed
    },
    widget: new TrainingBody(options)
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: TrainingModel,
  commands: CommandRegistry,
  openNotebook: (path: string) => void
): ITrainingActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const on = (id: string) => (run: string) => execute(id, { run });
  return {
    open: run =>
      run === null
        ? model.open(null)
        : execute(CommandIDs.openTraining, { run }),
    openTab: run => execute(CommandIDs.openView, { view: 'training', run }),
    create: () => execute(CommandIDs.newTraining),
    pause: on(CommandIDs.pauseJob),
    resume: on(CommandIDs.resumeJob),
    stop: on(CommandIDs.stopJob),
    retry: on(CommandIDs.retryJob),
    openRun: on(CommandIDs.openRun),
    copyLink: on(CommandIDs.copyJobLink),
    connect: () => execute(CommandIDs.connect),
    goToCell: (notebook, cell, line) =>
      execute(CommandIDs.goToCell, {
        cell,
        ...(notebook ? { notebook } : {}),
        ...(line ? { line } : {})
      }),
    openNotebook,
    registerModel: (run, logged_as) =>
      execute(CommandIDs.registerModel, { run, logged_as })
  };
}
