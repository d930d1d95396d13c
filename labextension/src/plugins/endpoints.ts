import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { deployIcon, endpointsIcon } from '../icons';
import { createEndpointsSection } from '../panels/endpoints';
import { EndpointsModel } from '../panels/endpoints/model';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Endpoints section and its commands. */
export const endpointsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:endpoints',
  description: 'Adds the Endpoints section to the side panel.',
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
    const model = new EndpointsModel(platform.connection);
    Private.addCommands(app, platform, model, trans);
    panel.addSection(
      createEndpointsSection(model, app.commands, trans),
      RANKS.endpoints
    );
    const category = trans.__('ML Platform');
    for (const command of [CommandIDs.deployModel, CommandIDs.openEndpoint]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    model: EndpointsModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const show = () =>
      commands.execute(CommandIDs.open, { section: 'endpoints' });

    commands.addCommand(CommandIDs.openEndpoint, {
      label: trans.__('Open Endpoint'),
      caption: trans.__('Show an endpoint in the side panel'),
      icon: endpointsIcon,
      isEnabled: ({ endpoint }) =>
        typeof endpoint === 'string' || model.endpoints.length > 0,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            endpoint: {
              type: 'string',
              description: 'Name of the endpoint; the first by default'
            }
          }
        }
      },
      execute: ({ endpoint }) => {
        model.open(
          textOf(endpoint) ?? model.selected?.name ?? model.endpoints[0]?.name
        );
        return show();
      }
    });

    commands.addCommand(CommandIDs.deployModel, {
      label: trans.__('Deploy a Model…'),
      caption: trans.__('Serve a model version at an endpoint'),
      icon: deployIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            model: { type: 'string', description: 'Name of a model' },
            version: {
              type: ['integer', 'string'],
              description:
                'Number of a version, or an alias; the latest by default'
            },
            endpoint: {
              type: 'string',
              description: "Name of the endpoint; the model's by default"
            },
            traffic: {
              type: 'integer',
              minimum: 0,
              maximum: 100,
              description: 'Percent for the new revision, where others serve'
            },
            now: {
              type: 'boolean',
              description: 'Deploy at once; otherwise a form is shown first'
            }
          }
        }
      },
      execute: async ({ model: name, version, endpoint, traffic, now }) => {
        await platform.connection.ensure();
        model.compose({
          ...(typeof name === 'string' ? { model: name } : {}),
          reference: referenceOf(version),
          endpoint: textOf(endpoint) ?? null,
          traffic: typeof traffic === 'number' ? traffic : null
        });
        await show();
        if (now === true) {
          await model.deployment?.loaded;
          await model.deploy();
        }
      }
    });
  }

  function textOf(given: unknown): string | undefined {
    return typeof given === 'string' && given !== '' ? given : undefined;
  }

  /** Spell a version as the engine reads it behind a model's name. */
  function referenceOf(version: unknown): string {
    if (typeof version === 'number' || /^\d+$/.test(String(version ?? ''))) {
      return `/${version}`;
    }
    return typeof version === 'string' && version !== '' ? `@${version}` : '';
  }
}
