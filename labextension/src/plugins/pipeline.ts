import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { jumpIcon, platformIcon, retryIcon, verifyIcon } from '../icons';
import { check, formOf, metadataOf } from '../notebook/settings';
import type { IStepForm } from '../notebook/settings';
import { createPipelineSection } from '../panels/pipeline';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Pipeline section and its commands. */
export const pipelinePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:pipeline',
  description: 'Adds the Pipeline section to the side panel.',
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
    Private.addCommands(app, platform, panel, trans);
    panel.addSection(
      createPipelineSection(platform.pipeline, app.commands, trans),
      RANKS.pipeline
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.run,
      CommandIDs.verify,
      CommandIDs.retryNotebook,
      CommandIDs.selectStep,
      CommandIDs.setStep,
      CommandIDs.goToFailure
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  const STEP = {
    type: 'string',
    description: 'Name of a step; that of the active cell by default'
  } as const;

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { pipeline } = platform;
    const hasNotebook = () => platform.notebook !== null;
    pipeline.notebookChanged.connect(
      () => commands.notifyCommandChanged(),
      pipeline
    );

    commands.addCommand(CommandIDs.run, {
      label: args =>
        args.toolbar ? '' : trans.__('Run Notebook as a Pipeline'),
      caption: trans.__('Save the notebook and run it as a pipeline'),
      icon: platformIcon,
      isEnabled: hasNotebook,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            until: {
              type: 'string',
              description: 'Run only this step and what it needs'
            },
            toolbar: {
              type: 'boolean',
              description: 'Whether it is shown as an icon only'
            }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const run = await pipeline.submit({ until: text(args.until) });
          if (!panel.isVisible) {
            Notification.info(trans.__('Run %1 started.', run.number), {
              autoClose: 4000,
              actions: [
                {
                  label: trans.__('Show'),
                  callback: () =>
                    void commands.execute(CommandIDs.open, {
                      section: 'pipeline'
                    })
                }
              ]
            });
          }
          return run.id;
        })
    });

    commands.addCommand(CommandIDs.verify, {
      label: trans.__('Verify Notebook as a Pipeline'),
      caption: trans.__(
        'Run the notebook top to bottom and as steps, and compare'
      ),
      icon: verifyIcon,
      isEnabled: hasNotebook,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            timeout: {
              type: 'number',
              description: 'Seconds after which to give up; an hour by default'
            }
          }
        }
      },
      execute: args => {
        const timeout = typeof args.timeout === 'number' ? args.timeout : null;
        return platform.attempt(() => pipeline.verify(timeout));
      }
    });

    commands.addCommand(CommandIDs.retryNotebook, {
      label: trans.__('Retry the Last Run of the Notebook'),
      caption: trans.__(
        'Save the notebook and go on with its last run; what succeeded is kept'
      ),
      icon: retryIcon,
      isEnabled: () => pipeline.run !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            step: { type: 'string', description: 'Step to start again from' }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const run = await pipeline.retry(text(args.step) ?? null);
          return run.id;
        })
    });

    commands.addCommand(CommandIDs.selectStep, {
      label: trans.__('Show the Step of the Active Cell'),
      caption: trans.__('Show a step and its settings in the side panel'),
      icon: platformIcon,
      isEnabled: hasNotebook,
      describedBy: { args: { type: 'object', properties: { step: STEP } } },
      execute: args => {
        const step = text(args.step) ?? activeStep(platform);
        if (step !== undefined) {
          pipeline.select({ kind: 'step', name: step });
        }
        return commands.execute(CommandIDs.open, { section: 'pipeline' });
      }
    });

    commands.addCommand(CommandIDs.setStep, {
      label: trans.__('Edit the Settings of the Step…'),
      caption: trans.__('Write the settings of a step into its cells'),
      icon: platformIcon,
      isEnabled: hasNotebook,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            step: STEP,
            settings: {
              type: 'object',
              description:
                'Any of name, cpu, memory, gpu, cache, retries, timeout'
            }
          }
        }
      },
      execute: args => {
        if (args.settings === undefined) {
          return commands.execute(CommandIDs.selectStep, { step: args.step });
        }
        return platform.attempt(async () => {
          const name = text(args.step) ?? activeStep(platform);
          const step = name === undefined ? null : pipeline.step(name);
          if (step === null || platform.notebook === null) {
            throw new Error(trans.__('There is no such step.'));
          }
          const form: IStepForm = {
            ...formOf(step.name, step.settings),
            ...(args.settings as Partial<IStepForm>)
          };
          const taken = new Set(
            pipeline.pipeline?.steps.map(other => other.name)
          );
          taken.delete(step.name);
          const wrong = Object.keys(check(form, taken));
          if (wrong.length > 0) {
            throw new Error(
              trans.__(
                'Cannot set step %1: wrong value for %2.',
                step.name,
                wrong.join(', ')
              )
            );
          }
          platform.notebook.setStep(
            step.cells.map(cell => cell.id),
            // A step named by a heading keeps it as its title.
            step.origin === 'heading'
              ? { title: step.title, ...metadataOf(form) }
              : metadataOf(form)
          );
          pipeline.select({ kind: 'step', name: form.name });
        });
      }
    });

    commands.addCommand(CommandIDs.goToCell, {
      label: trans.__('Go to Cell'),
      caption: trans.__('Scroll to a cell, given by its id'),
      icon: jumpIcon,
      describedBy: {
        args: {
          type: 'object',
          required: ['cell'],
          properties: {
            cell: { type: 'string', description: 'Id of the cell' },
            line: { type: 'number', description: 'Line in the cell, from 1' },
            notebook: {
              type: 'string',
              description: 'Absolute path; the active notebook by default'
            }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const path = text(args.notebook);
          const notebook =
            path === undefined
              ? platform.notebook
              : await platform.navigator.open(path);
          await notebook?.reveal(
            String(args.cell),
            typeof args.line === 'number' ? args.line : undefined
          );
        })
    });

    commands.addCommand(CommandIDs.goToFailure, {
      label: trans.__('Go to the Failing Cell'),
      caption: trans.__('Scroll to the cell at which the last run failed'),
      icon: jumpIcon,
      isEnabled: () => !!pipeline.failure?.cell,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () =>
        pipeline.failure?.cell
          ? commands.execute(CommandIDs.goToCell, {
              cell: pipeline.failure.cell,
              line: pipeline.failure.line
            })
          : undefined
    });
  }

  function text(value: unknown): string | undefined {
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  function activeStep(platform: IMlPlatform): string | undefined {
    const cell = platform.notebook?.panel.content.activeCell?.model.id;
    return cell === undefined
      ? undefined
      : platform.pipeline.stepOf(cell)?.name;
  }
}
