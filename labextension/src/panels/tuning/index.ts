import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { tuningIcon } from '../../icons';
import type { ISection } from '../section';
import { TuningBody } from './body';
import type { ITuningActions } from './body';
import type { TuningModel } from './model';

/** The Tuning section: its model, its view, and the commands between them. */
export function createTuningSection(options: TuningBody.IOptions): ISection {
  const { model, trans } = options;
  return {
    id: 'tuning',
    label: trans.__('Tuning'),
    caption: trans.__('Tuning jobs and their trials, live'),
    icon: tuningIcon,
    badge: {
      get value() {
        return model.activeCount;
      },
      changed: model.changed
    },
    widget: new TuningBody(options)
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: TuningModel,
  commands: CommandRegistry,
  openNotebook: (path: string) => void
): ITuningActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const on = (id: string) => (run: string) => execute(id, { run });
  const onTrial = (id: string) => (run: string, trial: number) =>
    execute(id, { run, trial });
  return {
    open: run =>
      run === null ? model.open(null) : execute(CommandIDs.openTuning, { run }),
    openTab: run => execute(CommandIDs.openView, { view: 'tuning', run }),
    create: () => execute(CommandIDs.newTuning),
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
    stopTrial: onTrial(CommandIDs.stopTrial),
    registerTrial: onTrial(CommandIDs.registerTrial),
    rerunTrial: onTrial(CommandIDs.rerunTrial)
  };
}
