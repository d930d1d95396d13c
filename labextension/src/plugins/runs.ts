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
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { retryIcon, runsIcon, stopIcon, trashIcon } from '../icons';
import { createRunsSection } from '../panels/runs';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Runs section, its commands, and a word when a run ends out of sight. */
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
    Private.announceEnds(app, platform, panel, trans);
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
      20
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.openRun,
      CommandIDs.cancelRun,
      CommandIDs.retryRun,
      CommandIDs.deleteRun
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  const RUN = {
    type: 'string',
    description: "Id of a run; the one that is open, else the notebook's last"
  } as const;

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { runs } = platform;
    const args = (properties: object = {}) => ({
      args: { type: 'object' as const, properties: { run: RUN, ...properties } }
    });
    const runOf = (given: unknown): string | null =>
      typeof given === 'string'
        ? given
        : (runs.selected?.id ?? platform.pipeline.run?.id ?? null);
    const hasRun = (given: { run?: unknown }) => runOf(given.run) !== null;

    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open the Last Run'),
      caption: trans.__('Show a run in the side panel'),
      icon: runsIcon,
      isEnabled: hasRun,
      describedBy: args(),
      execute: given => {
        runs.open(runOf(given.run));
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    commands.addCommand(CommandIDs.showStep, {
      label: trans.__('Show a Step of a Run'),
      caption: trans.__('Show the outputs and the log of a step'),
      icon: runsIcon,
      isEnabled: hasRun,
      describedBy: args({
        step: { type: 'string', description: 'Name of the step' }
      }),
      execute: given => {
        runs.open(runOf(given.run));
        runs.selectStep(typeof given.step === 'string' ? given.step : null);
        return commands.execute(CommandIDs.open, { section: 'runs' });
      }
    });

    commands.addCommand(CommandIDs.cancelRun, {
      label: trans.__('Cancel Run'),
      caption: trans.__('Stop a run with all its processes'),
      icon: stopIcon,
      isEnabled: hasRun,
      describedBy: args(),
      execute: async given => {
        const run = runOf(given.run);
        if (
          run !== null &&
          (await confirm({
            title: trans.__('Cancel this run?'),
            body: trans.__(
              'Its steps are stopped. What is finished is kept, and Retry goes on from there.'
            ),
            accept: trans.__('Cancel run'),
            reject: trans.__('Let it run')
          }))
        ) {
          await platform.attempt(() => runs.cancel(run));
        }
      }
    });

    commands.addCommand(CommandIDs.retryRun, {
      label: trans.__('Retry Run'),
      caption: trans.__('Go on with a run; what succeeded is kept'),
      icon: retryIcon,
      isEnabled: hasRun,
      describedBy: args({
        step: { type: 'string', description: 'Step to start again from' }
      }),
      execute: given =>
        platform.attempt(async () => {
          const run = runOf(given.run);
          if (run === null) {
            return;
          }
          // What is seen in the editor is what the user means to run again.
          const { notebook } = await platform.connection.client.getRun(run);
          if (notebook !== null) {
            await platform.navigator.find(notebook)?.save();
          }
          await runs.retry(run, {
            step: typeof given.step === 'string' ? given.step : undefined,
            path: notebook ?? undefined
          });
        })
    });

    commands.addCommand(CommandIDs.deleteRun, {
      label: trans.__('Delete Run'),
      caption: trans.__('Delete a run with its logs and outputs'),
      icon: trashIcon,
      isEnabled: hasRun,
      describedBy: args(),
      execute: async given => {
        const run = runOf(given.run);
        if (
          run !== null &&
          (await confirm({
            title: trans.__('Delete this run?'),
            body: trans.__(
              'Its states, logs and outputs are gone for good. Registered models stay.'
            ),
            accept: trans.__('Delete'),
            reject: trans.__('Keep')
          }))
        ) {
          await platform.attempt(() => runs.delete(run));
        }
      }
    });
  }

  /** Tell of a run's end where nobody is looking at it. */
  export function announceEnds(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    trans: TranslationBundle
  ): void {
    platform.runs.finished.connect((_, run) => {
      if (panel.isVisible) {
        return;
      }
      const options = {
        autoClose: 8000,
        actions: [
          {
            label: trans.__('Show'),
            callback: () =>
              void app.commands.execute(CommandIDs.openRun, { run: run.id })
          }
        ]
      };
      if (run.state === 'FAILED') {
        Notification.error(
          trans.__(
            'Run %1 of %2 failed at step %3.',
            run.number,
            run.pipeline,
            run.failed_step ?? '?'
          ),
          options
        );
      } else if (run.state === 'SUCCEEDED') {
        Notification.success(
          trans.__('Run %1 of %2 succeeded.', run.number, run.pipeline),
          options
        );
      }
    }, panel);
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
