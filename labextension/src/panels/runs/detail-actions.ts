import type { CommandRegistry } from '@lumino/commands';

import type { RunPatch } from '../../api/types';
import { CommandIDs } from '../../commands';

/** What the views of one run let a user do; each is a command. */
export interface IRunDetailActions {
  openRun: (run: string) => void;
  /** Open it in the main area; with a metric, with its chart. */
  openRunTab: (run: string, metric?: string) => void;
  cancel: (run: string) => void;
  pause: (run: string) => void;
  resume: (run: string) => void;
  retry: (run: string, step: string | null) => void;
  delete: (run: string) => void;
  update: (run: string, patch: RunPatch) => void;
  clone: (run: string) => void;
  copyLink: (run: string) => void;
  goToCell: (notebook: string | null, cell: string, line?: number) => void;
  openNotebook: (notebook: string) => void;
  downloadLog: (run: string, step: string) => void;
  restoreState: (run: string, step: string) => void;
  registerModel: (run: string, loggedAs: string) => void;
}

/** The actions, as calls of their commands. */
export function detailActions(
  commands: CommandRegistry,
  openNotebook: (path: string) => void
): IRunDetailActions {
  const execute = (id: string, args: Record<string, unknown>) =>
    void commands.execute(id, args as never);
  return {
    openRun: run => execute(CommandIDs.openRun, { run }),
    openRunTab: (run, metric) =>
      execute(CommandIDs.openRunTab, metric ? { run, metric } : { run }),
    cancel: run => execute(CommandIDs.cancelRun, { run }),
    pause: run => execute(CommandIDs.pauseRun, { run }),
    resume: run => execute(CommandIDs.resumeRun, { run }),
    retry: (run, step) =>
      execute(CommandIDs.retryRun, step === null ? { run } : { run, step }),
    delete: run => execute(CommandIDs.deleteRun, { run }),
    update: (run, patch) => execute(CommandIDs.updateRun, { run, ...patch }),
    clone: run => execute(CommandIDs.cloneRun, { run }),
    copyLink: run => execute(CommandIDs.copyRunLink, { run }),
    goToCell: (notebook, cell, line) =>
      execute(CommandIDs.goToCell, {
        cell,
        ...(notebook ? { notebook } : {}),
        ...(line ? { line } : {})
      }),
    openNotebook,
    downloadLog: (run, step) => execute(CommandIDs.downloadLog, { run, step }),
    restoreState: (run, step) =>
      execute(CommandIDs.restoreState, { run, step }),
    registerModel: (run, logged_as) =>
      execute(CommandIDs.registerModel, { run, logged_as })
  };
}
