import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  InputDialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

import { createElement } from 'react';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  jumpIcon,
  pipelineIcon,
  platformIcon,
  playIcon,
  retryIcon,
  settingsIcon,
  verifyIcon
} from '../icons';
import { mergeSteps, renameStep, splitStep } from '../notebook/reshaping';
import type { Refusal } from '../notebook/reshaping';
import { changesOf } from '../notebook/step-settings';
import type { SettingsData } from '../notebook/step-settings';
import { STEP_SETTINGS_SCHEMA } from '../api/schemas';
import { check, formOf, metadataOf } from '../notebook/settings';
import type { IStepForm } from '../notebook/settings';
import { createPipelineSection } from '../panels/pipeline';
import { onlyThisOf } from '../panels/pipeline/foresight';
import { onlyThis } from '../panels/pipeline/model';
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
    const menu = Private.createMenu(app);
    panel.addSection(
      createPipelineSection(platform.pipeline, app.commands, trans, {
        showMenu: below => {
          const { left, bottom } = below.getBoundingClientRect();
          menu.open(left, bottom);
        }
      }),
      RANKS.pipeline
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.run,
      CommandIDs.runFrom,
      CommandIDs.runOnly,
      CommandIDs.runWithoutCache,
      CommandIDs.renameStep,
      CommandIDs.mergeSteps,
      CommandIDs.splitStep,
      CommandIDs.verify,
      CommandIDs.retryNotebook,
      CommandIDs.selectStep,
      CommandIDs.setStep,
      CommandIDs.goToFailure
    ]) {
      palette?.addItem({ command, category });
    }
    for (const args of [{ form: 'kfp' }, { form: 'json' }]) {
      palette?.addItem({ command: CommandIDs.compileToFile, category, args });
    }
  }
};

namespace Private {
  const STEP = {
    type: 'string',
    description: 'Name of a step; that of the active cell by default'
  } as const;

  const ABOUT = {
    step: {
      type: 'string',
      description: 'Name of a step; that of the active cell by default'
    },
    menu: {
      type: 'boolean',
      description: 'Whether the step under the mouse is meant'
    }
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
            from: {
              type: 'string',
              description: 'Run this step and all below it anew'
            },
            cache: {
              type: 'boolean',
              description: 'Whether the cache may be used; true by default'
            },
            on: {
              type: 'string',
              description:
                'Where: "this-machine" or a cluster; as chosen in the section by default'
            },
            reuse: {
              type: 'string',
              enum: ['equal', 'last'],
              description:
                'What is taken of the steps before "from": equal results only, or else what their last good run left'
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
          const run = await pipeline.submit({
            until: text(args.until),
            from: text(args.from),
            cache: args.cache !== false,
            ...(text(args.on) ? { on: text(args.on) } : {}),
            ...(args.reuse === 'last' ? { reuse: 'last' } : {})
          });
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

    addRunCommands(app, platform, trans);
    addShapeCommands(app, platform, trans);

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
            },
            metadata: {
              ...STEP_SETTINGS_SCHEMA,
              description: 'All settings at once, as cell metadata has them'
            }
          }
        }
      },
      execute: args => {
        if (typeof args.metadata === 'object' && args.metadata !== null) {
          const metadata = args.metadata as SettingsData;
          return platform.attempt(async () => {
            const step = pipeline.step(
              text(args.step) ?? activeStep(platform) ?? ''
            );
            if (step === null || platform.notebook === null) {
              throw new Error(trans.__('There is no such step.'));
            }
            const name = String(metadata.step ?? step.name);
            const changes = changesOf(step, { step: step.name, ...metadata });
            const refusal = await pipeline.reshape(() => ({
              changes,
              step: name
            }));
            if (refusal !== null) {
              throw new Error(refusalText(trans, refusal));
            }
          });
        }
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
            beside: {
              type: 'string',
              description: 'Id of another cell to point at'
            },
            keepsFocus: {
              type: 'boolean',
              description: 'Whether the keyboard stays where it is'
            },
            notebook: {
              type: 'string',
              description:
                "Path, absolute or below the server's root; the active notebook by default"
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
          await notebook?.reveal(String(args.cell), {
            line: typeof args.line === 'number' ? args.line : undefined,
            beside: text(args.beside),
            keepsFocus: args.keepsFocus === true
          });
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

  /** Runs of a part of the notebook: each is `mlplat:run` with arguments. */
  function addRunCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const isEnabled = (args: ReadonlyPartialJSONObject) =>
      stepMeant(app, platform, args) !== undefined;
    const describedBy = {
      args: { type: 'object', properties: ABOUT }
    } as const;
    const run = (args: Record<string, string | boolean>) =>
      commands.execute(CommandIDs.run, args);

    commands.addCommand(CommandIDs.runFrom, {
      label: trans.__('Run from This Step On'),
      caption: trans.__(
        'Run a step and all below it anew; what they need comes from the cache where possible'
      ),
      icon: playIcon,
      isEnabled,
      describedBy,
      execute: args => {
        const step = stepMeant(app, platform, args);
        return step && run({ from: step });
      }
    });
    commands.addCommand(CommandIDs.runOnly, {
      label: trans.__('Run Only This Step'),
      caption: trans.__(
        'Run a step anew on what the steps before it left, in the cache or in their last good run'
      ),
      icon: playIcon,
      isEnabled,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            ...ABOUT,
            ask: {
              type: 'boolean',
              description:
                'Whether to ask before other steps run, or changed ones are taken as they were; true by default'
            }
          }
        }
      },
      execute: async args => {
        const step = stepMeant(app, platform, args);
        if (
          step !== undefined &&
          (args.ask === false || (await isMeant(platform, trans, step)))
        ) {
          return run({ ...onlyThis(step) });
        }
        return undefined;
      }
    });
    commands.addCommand(CommandIDs.runWithoutCache, {
      label: trans.__('Run Notebook without the Cache'),
      caption: trans.__('Save the notebook and run every step of it anew'),
      icon: playIcon,
      isEnabled: () => platform.notebook !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => run({ cache: false })
    });
  }

  /** Ask where a run of one step alone would not be what it says. */
  async function isMeant(
    platform: IMlPlatform,
    trans: TranslationBundle,
    step: string
  ): Promise<boolean> {
    const plan = await platform.attempt(() =>
      platform.pipeline.foresee(onlyThis(step))
    );
    if (plan === undefined) {
      return false; // what is wrong has been told
    }
    const { first, notes } = onlyThisOf(trans, plan, step);
    if (notes.length === 0) {
      return true;
    }
    const { button } = await showDialog({
      title: trans.__('Run only %1?', step),
      body: notes.join(' '),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({
          label:
            first.length > 0
              ? trans._n('Run %1 step', 'Run %1 steps', first.length + 1)
              : trans.__('Run')
        })
      ]
    });
    return button.accept;
  }

  /** Rename, merge and split steps. */
  function addShapeCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { pipeline } = platform;
    const isEnabled = (args: ReadonlyPartialJSONObject) =>
      stepMeant(app, platform, args) !== undefined;

    /** Do it, or say why not; the way back is one click away. */
    const reshape = (
      make: Parameters<typeof pipeline.reshape>[0],
      done: string
    ) =>
      platform.attempt(async () => {
        const { notebook } = platform;
        const refusal = await pipeline.reshape(make);
        if (refusal !== null) {
          throw new Error(refusalText(trans, refusal));
        }
        Notification.success(done, {
          autoClose: 5000,
          actions: [
            { label: trans.__('Undo'), callback: () => notebook?.undo() }
          ]
        });
      });

    commands.addCommand(CommandIDs.renameStep, {
      label: trans.__('Rename the Step…'),
      caption: trans.__('Give a step another name'),
      icon: settingsIcon,
      isEnabled,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            ...ABOUT,
            name: { type: 'string', description: 'The new name' }
          }
        }
      },
      execute: async args => {
        const step = stepMeant(app, platform, args);
        if (step === undefined) {
          return;
        }
        const name =
          text(args.name) ??
          (
            await InputDialog.getText({
              title: trans.__('Rename step %1', step),
              label: trans.__('Lower-case letters, digits, dots and dashes'),
              text: step,
              okLabel: trans.__('Rename')
            })
          ).value?.trim();
        if (name && name !== step) {
          await reshape(
            (now, notebook) =>
              renameStep(now, step, name, cell => notebook.metadataOf(cell)),
            trans.__('Step %1 is now %2.', step, name)
          );
        }
      }
    });

    commands.addCommand(CommandIDs.mergeSteps, {
      label: trans.__('Merge Steps…'),
      caption: trans.__('Let two steps run as one'),
      icon: pipelineIcon,
      isEnabled: args =>
        (pipeline.pipeline?.steps.length ?? 0) > 1 &&
        (Array.isArray(args.steps) || isEnabled(args)),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            ...ABOUT,
            steps: {
              type: 'array',
              items: { type: 'string' },
              minItems: 2,
              maxItems: 2,
              description: 'The two steps; otherwise one asks for the second'
            },
            ask: {
              type: 'boolean',
              description: 'Whether to ask before; true by default'
            }
          }
        }
      },
      execute: async args => {
        const steps = Array.isArray(args.steps)
          ? args.steps.map(String)
          : await pairOf(stepMeant(app, platform, args), platform, trans);
        if (steps.length !== 2) {
          return;
        }
        const [first, second] = steps;
        if (Array.isArray(args.steps) && args.ask !== false) {
          const answer = await showDialog({
            title: trans.__('Merge steps?'),
            body: trans.__(
              'The cells of %1 and %2 become one step, which runs in one process.',
              first,
              second
            ),
            buttons: [
              Dialog.cancelButton(),
              Dialog.okButton({ label: trans.__('Merge') })
            ]
          });
          if (!answer.button.accept) {
            return;
          }
        }
        await reshape(
          now => mergeSteps(now, [first, second]),
          trans.__('%1 and %2 are one step.', first, second)
        );
      }
    });

    commands.addCommand(CommandIDs.splitStep, {
      label: trans.__('Split the Step at This Cell'),
      caption: trans.__(
        'Let the active cell, and those of its step below it, be a step of their own'
      ),
      icon: pipelineIcon,
      isEnabled: () => activeStep(platform) !== undefined,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            cell: {
              type: 'string',
              description: 'Id of the cell; the active one by default'
            },
            name: {
              type: 'string',
              description: 'Name of the new step; made from the old by default'
            }
          }
        }
      },
      execute: async args => {
        const cell = text(args.cell) ?? activeCell(platform);
        if (cell !== undefined) {
          await reshape(
            (now, notebook) =>
              splitStep(now, cell, text(args.name) ?? null, id =>
                notebook.metadataOf(id)
              ),
            trans.__('The step is split.')
          );
        }
      }
    });

    commands.addCommand(CommandIDs.compileToFile, {
      label: args =>
        args.form === 'json'
          ? trans.__('Compile Notebook to a JSON Document')
          : trans.__('Compile Notebook to KFP YAML'),
      caption: args =>
        args.form === 'json'
          ? trans.__(
              'Write the pipeline next to the notebook as the platform describes it, and open it'
            )
          : trans.__(
              'Write the pipeline next to the notebook as Kubeflow Pipelines runs it'
            ),
      icon: pipelineIcon,
      isEnabled: () => platform.notebook !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            form: {
              type: 'string',
              enum: ['kfp', 'json'],
              description: 'KFP YAML, or our own document; kfp by default'
            },
            overwrite: {
              type: 'boolean',
              description: 'Replace a file that is there without asking'
            }
          }
        }
      },
      execute: args =>
        platform.attempt(() =>
          compileToFile(
            app,
            platform,
            trans,
            args.form === 'json' ? 'json' : 'kfp',
            args.overwrite === true
          )
        )
    });
  }

  /** Ask with which step one is merged; the next one is offered first. */
  async function pairOf(
    step: string | undefined,
    platform: IMlPlatform,
    trans: TranslationBundle
  ): Promise<string[]> {
    const names = platform.pipeline.pipeline?.steps.map(({ name }) => name);
    if (step === undefined || names === undefined) {
      return [];
    }
    const others = names.filter(name => name !== step);
    const answer = await InputDialog.getItem({
      title: trans.__('Merge %1 with which step?', step),
      items: others,
      current: Math.min(names.indexOf(step), others.length - 1),
      okLabel: trans.__('Merge')
    });
    return answer.value === null ? [] : [step, answer.value];
  }

  async function compileToFile(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trans: TranslationBundle,
    form: 'kfp' | 'json',
    mayOverwrite: boolean
  ): Promise<string | undefined> {
    const { connection, notebook, pipeline } = platform;
    if (notebook === null) {
      return undefined;
    }
    await pipeline.recompile();
    if (pipeline.error !== null || pipeline.pipeline === null) {
      throw pipeline.error;
    }
    const { contents } = app.serviceManager;
    const ending = form === 'kfp' ? '.pipeline.yaml' : '.pipeline.json';
    const path = notebook.path.replace(/\.[^./]*$/, '') + ending;
    const written =
      form === 'kfp'
        ? await connection.client.call(
            'pipelines.export',
            {},
            { pipeline: pipeline.pipeline }
          )
        : null;
    const isThere = await contents.get(path, { content: false }).then(
      () => true,
      () => false
    );
    if (isThere && !mayOverwrite) {
      const answer = await showDialog({
        title: trans.__('Replace the file?'),
        body: trans.__('%1 is there already.', path),
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Replace') })
        ]
      });
      if (!answer.button.accept) {
        return undefined;
      }
    }
    await contents.save(path, {
      type: 'file',
      format: 'text',
      content:
        written?.text ?? JSON.stringify(pipeline.pipeline, null, 2) + '\n'
    });
    const open = () => app.commands.execute('docmanager:open', { path });
    if (written === null) {
      await open();
      return path;
    }
    // Not opened unasked: every step carries what runs it, which is nothing to read.
    const done = trans.__('Wrote %1.', path);
    if (written.problems.length === 0) {
      Notification.success(done, {
        autoClose: 8000,
        actions: [{ label: trans.__('Open'), callback: () => void open() }]
      });
      return path;
    }
    const answer = await showDialog({
      title: trans.__('Not all of it carries over'),
      body: createElement(
        'div',
        { className: 'jp-mlplat-Losses' },
        createElement('p', null, done),
        createElement(
          'ul',
          null,
          ...written.problems.map(({ message }) =>
            createElement('li', { key: message }, message)
          )
        )
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Close') }),
        Dialog.okButton({ label: trans.__('Open the File') })
      ],
      defaultButton: 0
    });
    if (answer.button.accept) {
      await open();
    }
    return path;
  }

  /** What else can be done with a notebook. */
  export function createMenu(app: JupyterFrontEnd): Menu {
    const menu = new Menu({ commands: app.commands });
    for (const command of [
      CommandIDs.runWithoutCache,
      CommandIDs.runFrom,
      CommandIDs.runOnly,
      null,
      CommandIDs.renameStep,
      CommandIDs.mergeSteps,
      CommandIDs.splitStep,
      null,
      CommandIDs.openGraph
    ]) {
      menu.addItem(command === null ? { type: 'separator' } : { command });
    }
    for (const args of [{ form: 'kfp' }, { form: 'json' }]) {
      menu.addItem({ command: CommandIDs.compileToFile, args });
    }
    return menu;
  }

  function refusalText(
    trans: TranslationBundle,
    refusal: Refusal | { code: 'compiler'; message: string }
  ): string {
    switch (refusal.code) {
      case 'no-such-step':
        return trans.__('There is no step %1.', refusal.step);
      case 'bad-name':
        return trans.__(
          'A step cannot be called "%1". Use lower-case letters, digits, dots and dashes; at most 63.',
          refusal.name
        );
      case 'name-taken':
        return trans.__('Another step is called %1.', refusal.name);
      case 'named-in-source':
        return trans.__(
          'Step %1 is named in the source of its cells. Change it there.',
          refusal.step
        );
      case 'first-cell':
        return trans.__(
          'Step %1 begins at this cell. Choose one below it.',
          refusal.step
        );
      case 'between':
        return trans.__(
          'Cannot merge %1 and %2: %3 needs the one and is needed by the other, so they would wait for each other. Merge %3 with one of them first.',
          refusal.first,
          refusal.second,
          refusal.between.join(', ')
        );
      case 'compiler':
        return trans.__('Cannot change the steps: %1', refusal.message);
    }
  }

  /** The step a command is about: named, under the mouse, of the active cell, or chosen in the panel. */
  function stepMeant(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    args: ReadonlyPartialJSONObject
  ): string | undefined {
    const named = text(args.step);
    if (named !== undefined) {
      return named;
    }
    if (args.menu === true) {
      const isStep = ({ dataset }: HTMLElement) =>
        (dataset.step ?? dataset.mlplatStep) !== undefined;
      const dataset = app.contextMenuHitTest(isStep)?.dataset;
      return dataset?.step ?? dataset?.mlplatStep;
    }
    const { selection } = platform.pipeline;
    return (
      activeStep(platform) ??
      (selection?.kind === 'step' ? selection.name : undefined)
    );
  }

  function text(value: unknown): string | undefined {
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  function activeCell(platform: IMlPlatform): string | undefined {
    return platform.notebook?.panel.content.activeCell?.model.id;
  }

  function activeStep(platform: IMlPlatform): string | undefined {
    const cell = activeCell(platform);
    return cell === undefined
      ? undefined
      : platform.pipeline.stepOf(cell)?.name;
  }
}
