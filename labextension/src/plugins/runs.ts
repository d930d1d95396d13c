import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { stepsOf } from '../api/states';
import type { Run } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  pauseIcon,
  playIcon,
  retryIcon,
  runsIcon,
  stopIcon,
  trashIcon
} from '../icons';
import { contentOf } from '../notebook/source';
import { createRunsSection } from '../panels/runs';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Runs section and its commands. */
export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:runs',
  description: 'Adds the Runs section to the side panel.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    Private.addCommands(app, platform, trans);
    panel.addSection(
      createRunsSection(
        platform.runs,
        app.commands,
        rendermime,
        trans,
        path =>
          void platform.attempt(async () => {
            await platform.navigator.open(path);
          })
      ),
      RANKS.runs
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.openRun,
      CommandIDs.showStep,
      CommandIDs.cancelRun,
      CommandIDs.pauseRun,
      CommandIDs.resumeRun,
      CommandIDs.retryRun,
      CommandIDs.deleteRun
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  /** A command on one run: what differs from command to command. */
  interface IRunCommand {
    label: string;
    caption: string;
    icon: LabIcon;
    /** What the argument `step` means, where the command takes one. */
    step?: string;
    execute: (run: string, step: string | null) => unknown;
  }

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { runs } = platform;
    const runOf = (given: unknown): string | null =>
      typeof given === 'string'
        ? given
        : (runs.selected?.id ?? platform.pipeline.run?.id ?? null);
    const add = (id: string, command: IRunCommand): void => {
      const { label, caption, icon } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: given => runOf(given.run) !== null,
        describedBy: { args: schemaOf(command) },
        execute: async given => {
          const run = runOf(given.run);
          if (run !== null) {
            const step = typeof given.step === 'string' ? given.step : null;
            await command.execute(run, step);
          }
        }
      });
    };

    add(CommandIDs.openRun, {
      label: trans.__('Open the Last Run'),
      caption: trans.__('Show a run in the side panel'),
      icon: runsIcon,
      execute: run => {
        runs.open(run);
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    add(CommandIDs.showStep, {
      label: trans.__('Show a Step of the Run'),
      caption: trans.__('Show the outputs and the log of a step'),
      icon: runsIcon,
      step: 'Name of the step; the one that failed, else the first, by default',
      execute: (run, step) => {
        runs.open(run);
        runs.selectStep(step ?? firstStep(runs.selected?.run ?? null));
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    add(CommandIDs.cancelRun, {
      label: trans.__('Cancel Run'),
      caption: trans.__('Stop a run with all its processes'),
      icon: stopIcon,
      execute: async run => {
        const isMeant = await confirm({
          title: trans.__('Cancel this run?'),
          body: trans.__(
            'Its steps are stopped. What is finished is kept, and Retry goes on from there.'
          ),
          accept: trans.__('Cancel run'),
          reject: trans.__('Let it run')
        });
        if (isMeant) {
          await platform.attempt(() => runs.cancel(run));
        }
      }
    });

    add(CommandIDs.pauseRun, {
      label: trans.__('Pause Run'),
      caption: trans.__('Stop the processes of a run until it is resumed'),
      icon: pauseIcon,
      execute: run => platform.attempt(() => runs.pause(run, true))
    });

    add(CommandIDs.resumeRun, {
      label: trans.__('Resume Run'),
      caption: trans.__('Let a paused run go on; what succeeded is kept'),
      icon: playIcon,
      execute: run => platform.attempt(() => runs.pause(run, false))
    });

    add(CommandIDs.retryRun, {
      label: trans.__('Retry Run'),
      caption: trans.__('Go on with a run; what succeeded is kept'),
      icon: retryIcon,
      step: 'Step to start again from; by default what did not succeed runs',
      execute: (run, step) =>
        platform.attempt(async () => {
          const { notebook: path } =
            await platform.connection.client.getRun(run);
          const open = path === null ? null : platform.navigator.find(path);
          // What is seen in the editor is what the user means to run again.
          await open?.save();
          const observed = open?.observed() ?? null;
          await runs.retry(run, {
            from_step: step,
            path,
            notebook: observed && contentOf(observed)
          });
        })
    });

    add(CommandIDs.deleteRun, {
      label: trans.__('Delete Run'),
      caption: trans.__('Delete a run with its logs and outputs'),
      icon: trashIcon,
      execute: async run => {
        const isMeant = await confirm({
          title: trans.__('Delete this run?'),
          body: trans.__(
            'Its states, logs and outputs are gone for good. Registered models stay.'
          ),
          accept: trans.__('Delete'),
          reject: trans.__('Keep')
        });
        if (isMeant) {
          await platform.attempt(() => runs.delete(run));
        }
      }
    });
  }

  function schemaOf(command: IRunCommand): ReadonlyJSONObject {
    const run = {
      type: 'string',
      description: "Id of a run; the one that is open, else the notebook's last"
    };
    const step = { type: 'string', description: command.step ?? '' };
    return {
      type: 'object',
      properties: command.step === undefined ? { run } : { run, step }
    };
  }

  function firstStep(run: Run | null): string | null {
    const steps = run ? stepsOf(run) : [];
    const failed = steps.find(task => task.state === 'FAILED');
    return (failed ?? steps[0])?.name ?? null;
  }

  async function confirm(texts: {
    title: string;
    body: string;
    accept: string;
    reject: string;
  }): Promise<boolean> {
    const result = await showDialog({
      title: texts.title,
      body: texts.body,
      buttons: [
        Dialog.cancelButton({ label: texts.reject }),
        Dialog.warnButton({ label: texts.accept })
      ]
    });
    return result.button.accept;
  }
}
