import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { ConsolePanel } from '@jupyterlab/console';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { stepsOf } from '../api/states';
import type { Run } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { downloadIcon, expandIcon, kernelIcon, runsIcon } from '../icons';
import { joinCells, stateBefore } from '../notebook/restoring';
import type { IStateBefore } from '../notebook/restoring';
import { detailActions } from '../panels/runs/detail-actions';
import { RunDetailModel } from '../panels/runs/detail-model';
import { RunView } from '../panels/runs/run-view';
import { IMlPlatform, IMlPlatformViews } from '../tokens';

/** One run in the main area, its logs as files, and a kernel with the state before a failure. */
export const runDetailPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:run-detail',
  description: 'Shows a run in full in the main area.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformViews, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    views: IMlPlatformViews,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const { connection, navigator, runs } = platform;
    const open = new Map<string, RunDetailModel>();
    const actions = {
      ...detailActions(
        commands,
        path =>
          void platform.attempt(async () => {
            await navigator.open(path);
          })
      ),
      openRun: (run: string) =>
        void commands.execute(CommandIDs.openRunTab, { run })
    };

    views.add({
      id: 'run',
      icon: runsIcon,
      label: () => trans.__('Run'),
      create: args => {
        const id = String(args.run);
        const detail = new RunDetailModel(connection, id, true);
        open.set(id, detail);
        void connection.ensure();
        const view = new RunView({ detail, actions, rendermime, trans });
        view.disposed.connect(() => open.delete(id));
        return view;
      }
    });

    const runOf = (given: unknown): string | null =>
      typeof given === 'string'
        ? given
        : (runs.selected?.id ?? platform.pipeline.run?.id ?? null);
    const run = {
      type: 'string',
      description: "Id of a run; the one that is open, else the notebook's last"
    };
    const step = {
      type: 'string',
      description: 'Name of a step; the one that failed by default'
    };
    const isThere = (args: { run?: unknown }) => runOf(args.run) !== null;

    commands.addCommand(CommandIDs.openRunTab, {
      label: trans.__('Open Run in the Main Area'),
      caption: trans.__('Show the steps of a run over time, with their logs'),
      icon: expandIcon,
      isEnabled: isThere,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            run,
            step,
            metric: {
              type: 'string',
              description: 'Name of a metric to draw as a line'
            }
          }
        }
      },
      execute: async args => {
        const id = runOf(args.run);
        if (id === null) {
          return;
        }
        await views.open('run', { run: id });
        const detail = open.get(id);
        if (typeof args.step === 'string') {
          detail?.selectStep(args.step);
        }
        if (typeof args.metric === 'string') {
          detail?.chart([args.metric]);
        }
      }
    });

    commands.addCommand(CommandIDs.downloadLog, {
      label: trans.__('Download the Log of a Step'),
      caption: trans.__('Save all that a step wrote as a file'),
      icon: downloadIcon,
      isEnabled: isThere,
      describedBy: { args: { type: 'object', properties: { run, step } } },
      execute: args =>
        platform.attempt(async () => {
          const found = await Private.find(
            platform,
            runOf(args.run),
            args.step
          );
          const response = await connection.client.call('steps.log', {
            run: found.run.id,
            step: found.step
          });
          Private.save(
            await response.blob(),
            `run-${found.run.number}-${found.step}.log`
          );
        })
    });

    commands.addCommand(CommandIDs.restoreState, {
      label: trans.__('Open a Kernel with the State before a Failure'),
      caption: trans.__(
        'Open a console with what a step of a run was given; none of its cells runs'
      ),
      icon: kernelIcon,
      isEnabled: isThere,
      describedBy: { args: { type: 'object', properties: { run, step } } },
      execute: args =>
        platform.attempt(async () => {
          const found = await Private.find(
            platform,
            runOf(args.run),
            args.step
          );
          const pipeline = await connection.client.getPipeline(found.run.id);
          const state = stateBefore(found.run, pipeline, found.step);
          const notebook = navigator.relative(found.run.notebook ?? '');
          const folder = PathExt.dirname(notebook ?? '');
          await (commands.hasCommand('console:create')
            ? Private.openConsole(app, state, folder)
            : Private.openNotebook(app, state, folder));
        })
    });

    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.openRunTab,
      CommandIDs.downloadLog,
      CommandIDs.restoreState
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  /** The run that is meant, and its step: the named one, or that which failed. */
  export async function find(
    platform: IMlPlatform,
    id: string | null,
    step: unknown
  ): Promise<{ run: Run; step: string }> {
    if (id === null) {
      throw new Error('No run is open. Open one in the Runs section first.');
    }
    const run = await platform.connection.client.getRun(id);
    const found =
      typeof step === 'string'
        ? step
        : (
            stepsOf(run).find(task => task.state === 'FAILED') ??
            stepsOf(run)[0]
          )?.name;
    if (found === undefined) {
      throw new Error(`Run ${run.number} has no steps.`);
    }
    return { run, step: found };
  }

  /** Let the browser save something under a name. */
  export function save(content: Blob, name: string): void {
    const url = URL.createObjectURL(content);
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** A console with a kernel of its own: that of an open notebook keeps its state. */
  export async function openConsole(
    app: JupyterFrontEnd,
    state: IStateBefore,
    folder: string
  ): Promise<void> {
    const panel = (await app.commands.execute('console:create', {
      basePath: folder,
      name: state.name,
      kernelPreference: { name: state.kernel },
      insertMode: 'split-bottom',
      activate: true
    })) as ConsolePanel;
    await panel.sessionContext.ready;
    await panel.console.inject(state.code);
    const source = joinCells(state.cells);
    panel.console.promptCell?.model.sharedModel.setSource(source);
  }

  /** Where there are no consoles: a new notebook, the restoring in its first cell. */
  export async function openNotebook(
    app: JupyterFrontEnd,
    state: IStateBefore,
    folder: string
  ): Promise<void> {
    const panel = (await app.commands.execute('notebook:create-new', {
      cwd: folder,
      kernelName: state.kernel
    })) as NotebookPanel;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const shared = panel.context.model.sharedModel;
    shared.transact(() => {
      shared.deleteCellRange(0, shared.cells.length);
      shared.insertCells(
        0,
        [state.code, ...state.cells].map(source => ({
          cell_type: 'code' as const,
          source
        }))
      );
    });
    panel.content.activeCellIndex = 0;
    await app.commands.execute('notebook:run-cell-and-select-next');
  }
}
