import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';

import { ExamplesClient } from '../api/examples';
import type { Example, JsonValue } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { platformIcon } from '../icons';
import { freeName } from '../notebook/free-name';
import { IMlPlatform } from '../tokens';

/** Notebooks as files: run one where it lies, and start from an example. */
export const filesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:files',
  description: 'Runs notebook files as pipelines; starts from examples.',
  autoStart: true,
  requires: [IMlPlatform, INotebookTracker],
  optional: [ITranslator, ICommandPalette, IFileBrowserFactory, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null,
    launcher: ILauncher | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const files = new Private.Files(app, tracker, browsers);
    Private.addRun(app, platform, files, trans);
    const examples = Private.addExamples(app, platform, files, trans);
    const category = trans.__('ML Platform');
    palette?.addItem({ command: CommandIDs.runFile, category });
    palette?.addItem({ command: CommandIDs.newFromExample, category });
    if (launcher) {
      const addCards = (list: readonly Example[]) =>
        list.forEach(({ name }, rank) =>
          launcher.add({
            command: CommandIDs.newFromExample,
            args: { example: name },
            category,
            rank
          })
        );
      // Without its cards the launcher is still a launcher: nothing to tell the user.
      void app.restored.then(examples).then(addCards, () => undefined);
    }
  }
};

namespace Private {
  /** What the user points at, as paths below the server's root. */
  export class Files {
    constructor(
      private readonly _app: JupyterFrontEnd,
      private readonly _tracker: INotebookTracker,
      private readonly _browsers: IFileBrowserFactory | null
    ) {}

    /** The folder that is open in the file browser. */
    get folder(): string {
      return this._browsers?.tracker.currentWidget?.model.path ?? '';
    }

    /** The notebooks and KFP pipelines that are selected in the file browser. */
    selected(): string[] {
      const browser = this._browsers?.tracker.currentWidget;
      return [...(browser?.selectedItems() ?? [])]
        .filter(item => item.type === 'notebook' || isKfp(item.path))
        .map(item => item.path);
    }

    /** The notebook whose tab the context menu was opened on. */
    ofTab(): string[] {
      const node = this._app.contextMenuHitTest(node => !!node.dataset.id);
      const panel = this._tracker.find(({ id }) => id === node?.dataset.id);
      return panel ? [panel.context.path] : [];
    }
  }

  export function addRun(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    files: Files,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const pathsOf = (args: { path?: unknown; tab?: unknown }) =>
      typeof args.path === 'string'
        ? [args.path]
        : args.tab === true
          ? files.ofTab()
          : files.selected();
    commands.addCommand(CommandIDs.runFile, {
      label: trans.__('Run as Pipeline'),
      caption: trans.__(
        'Run notebooks, and compiled KFP pipelines (.yaml), where they lie'
      ),
      icon: platformIcon,
      isEnabled: args => pathsOf(args).length > 0,
      isVisible: args => args.tab !== true || files.ofTab().length > 0,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: {
              type: 'string',
              description:
                'Path of a notebook or a KFP pipeline; those selected in the file browser by default'
            },
            on: {
              type: 'string',
              description:
                'Where: "this-machine" or a cluster; as the settings say by default'
            },
            tab: {
              type: 'boolean',
              description: 'Take the notebook whose tab the menu belongs to'
            }
          }
        }
      },
      execute: args => {
        const paths = pathsOf(args);
        return platform.attempt(async () => {
          for (const path of paths) {
            const absolute = platform.navigator.absolute(path);
            // What is seen in an editor is what the user means to run.
            await platform.navigator.find(absolute)?.save();
            const parameters = isKfp(path)
              ? await parametersFor(platform, absolute, trans)
              : {};
            if (parameters === null) {
              continue;
            }
            const run = await platform.connection.client.submit(
              {
                path: absolute,
                parameters,
                ...(typeof args.on === 'string' ? { run_on: args.on } : {})
              },
              UUID.uuid4()
            );
            Notification.info(
              trans.__('Run %1 of %2 started.', run.number, run.pipeline),
              {
                autoClose: 4000,
                actions: [
                  {
                    label: trans.__('Show'),
                    callback: () =>
                      void commands.execute(CommandIDs.openRun, { run: run.id })
                  }
                ]
              }
            );
          }
        });
      }
    });
  }

  /** A pipeline as KFP's compiler writes it; whether it is one is the engine's to say. */
  function isKfp(path: string): boolean {
    return /\.ya?ml$/i.test(path);
  }

  /** Ask for what a KFP pipeline takes, where it takes anything; null: not meant after all. */
  async function parametersFor(
    platform: IMlPlatform,
    path: string,
    trans: TranslationBundle
  ): Promise<Record<string, JsonValue> | null> {
    await platform.connection.ensure();
    const { name, parameters } = await platform.connection.client.compile({
      path
    });
    if (parameters.length === 0) {
      return {};
    }
    // Nobody needs the form before it is asked for.
    const { askParameters } =
      await import('../panels/pipeline/parameter-dialog');
    return askParameters(name, parameters, trans);
  }

  /** Returns what loads the list of examples. */
  export function addExamples(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    files: Files,
    trans: TranslationBundle
  ): () => Promise<readonly Example[]> {
    const { commands } = app;
    const { contents, serverSettings } = app.serviceManager;
    const client = new ExamplesClient(serverSettings);
    const known = new Map<string, Example>();
    const list = async () => {
      const examples = await client.list();
      examples.forEach(example => known.set(example.name, example));
      return examples;
    };
    commands.addCommand(CommandIDs.newFromExample, {
      label: args =>
        known.get(String(args.example))?.title ??
        trans.__('New Notebook from the Example'),
      caption: args =>
        known.get(String(args.example))?.summary ??
        trans.__('Copy an example notebook into the current folder'),
      icon: platformIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            example: {
              type: 'string',
              description: 'Name of an example; the first by default'
            },
            cwd: {
              type: 'string',
              description:
                "Folder for the copy; the file browser's one by default"
            }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const name =
            typeof args.example === 'string'
              ? args.example
              : (await list())[0]?.name;
          if (name === undefined) {
            throw new Error(
              trans.__(
                'There is no example to start from. Install the package jupyter_mlplat into the environment of the Jupyter server.'
              )
            );
          }
          const folder = typeof args.cwd === 'string' ? args.cwd : files.folder;
          const content = await client.get(name);
          const siblings = await contents.get(folder);
          const taken = new Set<string>(
            (siblings.content as { name: string }[]).map(({ name }) => name)
          );
          const path = PathExt.join(folder, freeName(name, taken));
          await contents.save(path, {
            type: 'notebook',
            format: 'json',
            content
          });
          const panel: unknown = await commands.execute('docmanager:open', {
            path,
            factory: 'Notebook'
          });
          await commands.execute(CommandIDs.open, { section: 'pipeline' });
          return panel;
        })
    });
    return list;
  }
}
