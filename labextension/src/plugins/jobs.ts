import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  ICommandPalette,
  InputDialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

import { isFinal, isRetryable } from '../api/states';
import type { AnyState } from '../api/states';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  linkIcon,
  pauseIcon,
  playIcon,
  plusIcon,
  retryIcon,
  stopIcon,
  trainingIcon,
  tuningIcon
} from '../icons';
import type { IJobDraft, JobSource } from '../panels/jobs/draft';
import { JobForm } from '../panels/jobs/form-model';
import { nameFrom } from '../panels/models/registration';
import { RANKS } from '../panels/section';
import * as training from '../panels/training';
import { TRAIN, newTrainDraft } from '../panels/training/draft';
import { TrainView } from '../panels/training/main';
import { TrainingModel } from '../panels/training/model';
import { TrainWatch } from '../panels/training/watch';
import * as tuning from '../panels/tuning';
import { TUNE, newTuneDraft } from '../panels/tuning/draft';
import { isModel } from '../panels/tuning/facts';
import { TuningView } from '../panels/tuning/main';
import { TuningModel } from '../panels/tuning/model';
import { TuningWatch } from '../panels/tuning/watch';
import { IMlPlatform, IMlPlatformPanel, IMlPlatformViews } from '../tokens';
import { linkTo } from './views';

/** The Training and Tuning sections, their views in the main area, and their commands. */
export const jobsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:jobs',
  description: 'Adds the Training and Tuning sections to the side panel.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel, IMlPlatformViews],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    views: IMlPlatformViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { connection, navigator } = platform;
    const { commands } = app;
    const trainings = new TrainingModel(connection);
    const tunings = new TuningModel(connection);
    const openNotebook = (path: string) =>
      void platform.attempt(async () => {
        await navigator.open(path);
      });
    const place = {
      trans,
      shortPath: (path: string) => navigator.relative(path) ?? path,
      absolutePath: (path: string) =>
        path.startsWith('/') ? path : navigator.absolute(path),
      activeCell: () => Private.activeCell(platform)
    };
    const trainActions = training.actionsOf(trainings, commands, openNotebook);
    const tuneActions = tuning.actionsOf(tunings, commands, openNotebook);
    panel.addSection(
      training.createTrainingSection({
        ...place,
        model: trainings,
        actions: trainActions
      }),
      RANKS.training
    );
    panel.addSection(
      tuning.createTuningSection({
        ...place,
        model: tunings,
        actions: tuneActions,
        runtimes: () => trainings.runtimes.map(({ name }) => name),
        inventory: () => trainings.inventory
      }),
      RANKS.tuning
    );
    views.add({
      id: 'training',
      icon: trainingIcon,
      label: () => trans.__('Train job'),
      create: args => {
        void connection.ensure();
        return new TrainView({
          watch: new TrainWatch(connection, String(args.run)),
          model: trainings,
          actions: trainActions,
          trans
        });
      }
    });
    views.add({
      id: 'tuning',
      icon: tuningIcon,
      label: () => trans.__('Tuning job'),
      create: args => {
        void connection.ensure();
        return new TuningView({
          watch: new TuningWatch(connection, String(args.run)),
          actions: tuneActions,
          trans
        });
      }
    });
    Private.addFormCommands(app, platform, trainings, tunings, trans);
    Private.addJobCommands(app, platform, trainings, tunings, trans);
    Private.addTrialCommands(app, platform, tunings, trans);
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.newTraining,
      CommandIDs.openTraining,
      CommandIDs.newTuning,
      CommandIDs.openTuning,
      CommandIDs.pauseJob,
      CommandIDs.resumeJob,
      CommandIDs.stopJob,
      CommandIDs.retryJob,
      CommandIDs.copyJobLink,
      CommandIDs.showTrial,
      CommandIDs.stopTrial,
      CommandIDs.registerTrial,
      CommandIDs.rerunTrial
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  type Args = ReadonlyPartialJSONObject;

  const RUN = {
    type: 'string',
    description: 'Id of the job; the one that is open by default'
  };
  const TRIAL = {
    type: 'integer',
    description: 'Number of the trial; the one that is open, else the best'
  };

  function schemaOf(properties: ReadonlyJSONObject): {
    args: ReadonlyJSONObject;
  } {
    return { args: { type: 'object', properties } };
  }

  export function activeCell(platform: IMlPlatform): string | null {
    const cell = platform.notebook?.panel.content.activeCell;
    return cell?.model.type === 'code'
      ? cell.model.sharedModel.getSource()
      : null;
  }

  /** Commands that show a form. */
  export function addFormCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trainings: TrainingModel,
    tunings: TuningModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { connection, navigator } = platform;
    const describedBy = schemaOf({
      path: {
        type: 'string',
        description: 'Path of a notebook or script; the open one by default'
      },
      source: {
        type: 'string',
        enum: ['notebook', 'cell', 'command'],
        description: 'What is run'
      },
      cell: {
        type: 'string',
        description: 'Code of a cell; that of the active one by default'
      },
      command: { type: 'string', description: 'A program and its arguments' }
    });
    const save = async (path: string) => navigator.find(path)?.save();
    const given = (args: Args): Partial<IJobDraft> => {
      const path =
        typeof args.path === 'string'
          ? args.path
          : (platform.notebook?.path ?? '');
      const source =
        args.source ?? (args.cell ? 'cell' : args.command ? 'command' : null);
      return {
        source: (source ?? 'notebook') as JobSource,
        path:
          path === '' || path.startsWith('/') ? path : navigator.absolute(path),
        cell:
          typeof args.cell === 'string'
            ? args.cell
            : (activeCell(platform) ?? ''),
        command: typeof args.command === 'string' ? args.command : ''
      };
    };

    commands.addCommand(CommandIDs.newTraining, {
      label: trans.__('Train a Notebook…'),
      caption: trans.__(
        'Run a notebook, a cell, a script or a command as a train job'
      ),
      icon: trainingIcon,
      describedBy,
      execute: async args => {
        await connection.ensure();
        await commands.execute(CommandIDs.open, { section: 'training' });
        await trainings.loadChoices();
        trainings.compose(
          new JobForm(connection, TRAIN, newTrainDraft(given(args)), save)
        );
      }
    });

    commands.addCommand(CommandIDs.newTuning, {
      label: trans.__('Tune a Notebook…'),
      caption: trans.__(
        'Run a notebook, a cell, a script or a command with many parameters, and find the best'
      ),
      icon: tuningIcon,
      describedBy,
      execute: async args => {
        await connection.ensure();
        await commands.execute(CommandIDs.open, { section: 'tuning' });
        await trainings.loadChoices();
        tunings.compose(
          new JobForm(connection, TUNE, newTuneDraft(given(args)), save)
        );
      }
    });
  }

  /** Commands on a job of either kind. */
  export function addJobCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    trainings: TrainingModel,
    tunings: TuningModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const both = [trainings, tunings] as const;
    const shownIn = (section: string) =>
      commands.execute(CommandIDs.open, { section });
    /** The job that is meant: the given one, else the one that is open. */
    const runOf = (args: Args): string | null =>
      typeof args.run === 'string'
        ? args.run
        : ((trainings.detail ?? tunings.detail)?.id ?? null);
    const modelOf = (run: string) =>
      both.find(({ detail, pages }) => detail?.id === run || pages.find(run)) ??
      trainings;
    const stateOf = (run: string): AnyState | null => {
      const { detail, pages } = modelOf(run);
      return (
        (detail?.id === run ? detail.watch.run?.state : null) ??
        pages.find(run)?.state ??
        null
      );
    };
    const add = (
      id: string,
      command: {
        label: string;
        caption: string;
        icon: LabIcon;
        fits?: (state: AnyState) => boolean;
        execute: (run: string) => unknown;
      }
    ): void => {
      const { label, caption, icon, fits, execute } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: args => {
          const run = runOf(args);
          const state = run === null ? null : stateOf(run);
          // One that is not known yet may be there all the same: the engine will tell.
          return run !== null && (state === null || !fits || fits(state));
        },
        describedBy: schemaOf({ run: RUN }),
        execute: async args => {
          const run = runOf(args);
          if (run !== null) {
            await execute(run);
          }
        }
      });
    };

    add(CommandIDs.openTraining, {
      label: trans.__('Open Train Job'),
      caption: trans.__('Show a train job with its curves and processes'),
      icon: trainingIcon,
      execute: async run => {
        await shownIn('training');
        trainings.open(run);
      }
    });
    add(CommandIDs.openTuning, {
      label: trans.__('Open Tuning Job'),
      caption: trans.__('Show a tuning job with its trials'),
      icon: tuningIcon,
      execute: async run => {
        await shownIn('tuning');
        tunings.open(run);
      }
    });
    add(CommandIDs.pauseJob, {
      label: trans.__('Pause Job'),
      caption: trans.__('Stop the processes of a job until it is resumed'),
      icon: pauseIcon,
      fits: state => state === 'RUNNING' || state === 'PENDING',
      execute: run => platform.attempt(() => modelOf(run).pause(run, true))
    });
    add(CommandIDs.resumeJob, {
      label: trans.__('Resume Job'),
      caption: trans.__('Let a paused job go on from its last checkpoint'),
      icon: playIcon,
      fits: state => state === 'PAUSED',
      execute: run => platform.attempt(() => modelOf(run).pause(run, false))
    });
    add(CommandIDs.retryJob, {
      label: trans.__('Retry Job'),
      caption: trans.__('Go on with a job that failed or was stopped'),
      icon: retryIcon,
      fits: state => isRetryable(state as 'FAILED'),
      execute: run => platform.attempt(() => modelOf(run).retry(run))
    });
    add(CommandIDs.stopJob, {
      label: trans.__('Stop Job'),
      caption: trans.__('Stop a job with all its processes'),
      icon: stopIcon,
      fits: state => !isFinal(state) && state !== 'CANCELING',
      execute: async run => {
        const answer = await showDialog({
          title: trans.__('Stop this job?'),
          body: trans.__(
            'All its processes end. Checkpoints and trials that are over are kept; Retry goes on from there.'
          ),
          buttons: [
            Dialog.cancelButton({ label: trans.__('Let it run') }),
            Dialog.warnButton({ label: trans.__('Stop job') })
          ]
        });
        if (answer.button.accept) {
          await platform.attempt(() => modelOf(run).stop(run));
        }
      }
    });
    add(CommandIDs.copyJobLink, {
      label: trans.__('Copy Link to the Job'),
      caption: trans.__('Copy an address that opens a job'),
      icon: linkIcon,
      execute: run => {
        const kind = modelOf(run) === tunings ? 'tuning' : 'training';
        Clipboard.copyToSystem(
          linkTo(app.serviceManager.serverSettings, kind, run)
        );
        Notification.info(trans.__('The link is in the clipboard.'), {
          autoClose: 3000
        });
      }
    });
  }

  /** Commands on one trial of a tuning job. */
  export function addTrialCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    tunings: TuningModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const { connection } = platform;
    const meant = (args: Args): { run: string; trial: number } | null => {
      const run =
        typeof args.run === 'string' ? args.run : (tunings.detail?.id ?? null);
      const open = tunings.detail?.id === run ? tunings.detail : null;
      const trial =
        typeof args.trial === 'number'
          ? args.trial
          : (open?.selected ?? open?.best)?.number;
      return run === null || trial === undefined ? null : { run, trial };
    };
    const add = (
      id: string,
      command: {
        label: string;
        caption: string;
        icon: LabIcon;
        execute: (run: string, trial: number) => unknown;
      }
    ): void => {
      const { label, caption, icon, execute } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: args => meant(args) !== null,
        describedBy: schemaOf({ run: RUN, trial: TRIAL }),
        execute: async args => {
          const found = meant(args);
          if (found) {
            await execute(found.run, found.trial);
          }
        }
      });
    };

    add(CommandIDs.showTrial, {
      label: trans.__('Show the Best Trial'),
      caption: trans.__('Show a trial with its parameters and metrics'),
      icon: tuningIcon,
      execute: async (run, trial) => {
        await commands.execute(CommandIDs.openTuning, { run });
        tunings.detail?.select(trial);
      }
    });
    add(CommandIDs.stopTrial, {
      label: trans.__('Stop Trial'),
      caption: trans.__('End a trial; the others go on'),
      icon: stopIcon,
      execute: (run, trial) =>
        platform.attempt(async () => {
          const watch = tunings.detail?.id === run ? tunings.detail : null;
          await (watch
            ? watch.stopTrial(trial)
            : connection.client.call('runs.stop_trial', {
                run,
                trial: String(trial)
              }));
        })
    });
    add(CommandIDs.rerunTrial, {
      label: trans.__('Re-run the Best Trial'),
      caption: trans.__('Run once more with the parameters of a trial'),
      icon: retryIcon,
      execute: (run, trial) =>
        platform.attempt(async () => {
          const begun = await connection.client.call(
            'runs.rerun_trial',
            { run, trial: String(trial) },
            undefined,
            { headers: { 'Idempotency-Key': UUID.uuid4() } }
          );
          await commands.execute(CommandIDs.openTuning, { run: begun.id });
        })
    });
    add(CommandIDs.registerTrial, {
      label: trans.__('Register the Best Trial…'),
      caption: trans.__('Make a model version of what a trial logged'),
      icon: plusIcon,
      execute: (run, trial) =>
        platform.attempt(async () => {
          const { trial: of, artifacts } = await connection.client.call(
            'runs.trial',
            { run, trial: String(trial) }
          );
          const made = artifacts.filter(isModel).at(-1);
          if (!made) {
            throw new Error(
              trans.__(
                'Cannot register trial %1: it has logged no model. Call mlplat.log_model(model, name) in what is tuned.',
                trial
              )
            );
          }
          const { number } = await connection.client.getRun(run);
          const asked = await InputDialog.getText({
            title: trans.__('Register the model of trial %1', trial),
            label: trans.__('Name of the model'),
            text: nameFrom(made.name),
            okLabel: trans.__('Register')
          });
          const model = asked.value?.trim();
          if (asked.button.accept && model) {
            const { metric } = await objectiveOf(platform, run);
            await connection.client.call(
              'models.register',
              {},
              {
                model,
                artifact_id: made.id,
                description: trans.__(
                  'Trial %1 of tuning job %2: %3 %4.',
                  trial,
                  number,
                  metric,
                  of.value ?? '–'
                )
              }
            );
            await commands.execute(CommandIDs.openModel, { model });
          }
        })
    });
  }

  async function objectiveOf(
    platform: IMlPlatform,
    run: string
  ): Promise<{ metric: string }> {
    const { client } = platform.connection;
    return (await client.call('runs.tuning', { run })).spec.objective;
  }
}
