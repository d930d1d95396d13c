import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ArtifactDrive, artifactPath } from '../api/drive';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { runsIcon } from '../icons';
import { IMlPlatform } from '../tokens';

/** Opens what runs have made with JupyterLab's own viewers: executed notebooks, pages, files. */
export const artifactsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:artifacts',
  description: 'Opens the files that runs have made.',
  autoStart: true,
  requires: [IMlPlatform],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { contents, serverSettings } = app.serviceManager;
    const { client } = platform.connection;
    contents.addDrive(
      new ArtifactDrive(client, serverSettings, artifact =>
        URLExt.join(
          serverSettings.baseUrl,
          'mlplat/api/v1/artifacts',
          encodeURIComponent(artifact),
          'content'
        )
      )
    );

    app.commands.addCommand(CommandIDs.openExecuted, {
      label: args =>
        args.page === true
          ? trans.__('Open the Page of a Run')
          : trans.__('Open the Executed Notebook of a Run'),
      caption: trans.__(
        'Open what a notebook that ran whole looked like at the end'
      ),
      icon: runsIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            run: {
              type: 'string',
              description: 'Id or number of the run; the latest by default'
            },
            page: {
              type: 'boolean',
              description: 'Open its page (HTML) instead of the notebook'
            }
          }
        }
      },
      execute: ({ run, page }) =>
        platform.attempt(async () => {
          const id = typeof run === 'string' && run !== '' ? run : 'latest';
          const { artifacts } = await client.call('runs.artifacts', {
            run: id
          });
          const ending = page === true ? '.html' : '.ipynb';
          const found = [...artifacts]
            .reverse()
            .find(({ name }) => name.endsWith(ending));
          if (!found) {
            throw new Error(
              trans.__(
                'Run %1 kept no executed notebook: only notebooks that are run whole do. Its steps and their outputs are in its detail.',
                id
              )
            );
          }
          await app.commands.execute('docmanager:open', {
            path: artifactPath(found),
            factory: page === true ? 'HTML Viewer' : 'Notebook',
            // To look at it needs no kernel.
            kernel: { shouldStart: false, autoStartDefault: false }
          });
        })
    });
    palette?.addItem({
      command: CommandIDs.openExecuted,
      category: trans.__('ML Platform')
    });
  }
};
