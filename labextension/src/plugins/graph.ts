import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { expandIcon, pipelineIcon } from '../icons';
import { NotebookFile } from '../notebook/file';
import { GraphBody } from '../panels/graph/body';
import { cellsOf } from '../panels/pipeline';
import { NotebookGraph, RunGraph } from '../panels/graph/model';
import { IMlPlatform, IMlPlatformViews } from '../tokens';

/** The graphs of notebooks and of runs in the main area. */
export const graphPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:graph',
  description:
    'Draws the pipeline of a notebook, or of a run, in the main area.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformViews, INotebookTracker],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    views: IMlPlatformViews,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const { connection, navigator } = platform;
    const execute = (id: string, args: ReadonlyJSONObject) =>
      void commands.execute(id, args);

    views.add({
      id: 'pipeline',
      icon: pipelineIcon,
      label: args =>
        trans.__('Graph of %1', PathExt.basename(String(args.notebook))),
      normalise: args => ({
        notebook: navigator.resolve(
          typeof args.notebook === 'string'
            ? args.notebook
            : (platform.notebook?.path ?? '')
        )
      }),
      create: args => {
        const path = String(args.notebook);
        const relative = navigator.relative(path);
        const graph = new NotebookGraph(
          connection,
          path => navigator.absolute(path),
          relative === null ? navigator.outside(path) : null
        );
        let file: NotebookFile | null = null;
        // The notebook as it is edited, as long as it is open; else its file.
        const follow = () => {
          const open = navigator.find(path);
          if (graph.isDisposed) {
            return;
          }
          if (open !== null) {
            graph.follow(open);
            open.panel.disposed.connect(() =>
              // By then the tracker has let go of it, too.
              requestAnimationFrame(follow)
            );
          } else if (relative !== null) {
            file ??= new NotebookFile(app.serviceManager.contents, relative);
            graph.follow(file);
          }
        };
        const onAdded = () => follow();
        tracker.widgetAdded.connect(onAdded);
        void connection.ensure();
        follow();
        const body = new GraphBody(
          graph,
          {
            goToCell: cell =>
              execute(CommandIDs.goToCell, { cell, notebook: path }),
            openStep: name => {
              const step = graph.pipeline?.steps.find(it => it.name === name);
              if (step) {
                execute(CommandIDs.goToCell, {
                  cell: step.cells[0].id,
                  notebook: path
                });
              }
            },
            showEdge: edge => {
              if (
                edge.reasons.length > 0 &&
                navigator.find(path)?.panel.isVisible
              ) {
                execute(CommandIDs.goToCell, {
                  ...cellsOf(edge),
                  notebook: path
                });
              }
            },
            run: options =>
              void platform
                .attempt(() => navigator.open(path))
                .then(
                  open =>
                    open && commands.execute(CommandIDs.run, { ...options })
                )
          },
          trans
        );
        body.disposed.connect(() => {
          tracker.widgetAdded.disconnect(onAdded);
          file?.dispose();
        });
        return body;
      }
    });

    views.add({
      id: 'run-graph',
      icon: pipelineIcon,
      label: () => trans.__('Graph of a run'),
      create: args => {
        const run = String(args.run);
        const graph = new RunGraph(connection, run);
        void connection.ensure();
        const body = new GraphBody(
          graph,
          {
            goToCell: cell => {
              const notebook = graph.pipeline?.notebook ?? null;
              execute(CommandIDs.goToCell, {
                cell,
                ...(notebook === null ? {} : { notebook })
              });
            },
            openStep: step => execute(CommandIDs.showStep, { run, step })
          },
          trans
        );
        graph.changed.connect(() => {
          if (graph.runNumber !== null) {
            body.title.icon = pipelineIcon;
            body.title.label = trans.__('Graph of run %1', graph.runNumber);
          }
        });
        return body;
      }
    });

    commands.addCommand(CommandIDs.openGraph, {
      label: args =>
        args.run
          ? trans.__('Open the Graph of a Run')
          : trans.__('Open the Graph of the Notebook'),
      caption: trans.__('Draw a pipeline in the main area'),
      icon: expandIcon,
      isEnabled: args =>
        Boolean(args.run ?? args.notebook ?? platform.notebook),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            notebook: {
              type: 'string',
              description:
                "Path, absolute or below the server's root; the active notebook by default"
            },
            run: {
              type: 'string',
              description: 'Id of a run to draw instead, coloured by its states'
            }
          }
        }
      },
      execute: async args => {
        if (typeof args.run === 'string') {
          await views.open('run-graph', { run: args.run });
          return;
        }
        const { notebook } = args;
        await views.open(
          'pipeline',
          typeof notebook === 'string' ? { notebook } : {}
        );
      }
    });
    palette?.addItem({
      command: CommandIDs.openGraph,
      category: trans.__('ML Platform')
    });
  }
};
