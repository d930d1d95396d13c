import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  ICommandPalette,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

import type { Endpoint, Traffic } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  copyIcon,
  deployIcon,
  endpointsIcon,
  playIcon,
  promoteIcon,
  rollBackIcon,
  runsIcon,
  stopIcon,
  trashIcon
} from '../icons';
import {
  actionsOf,
  createEndpointView,
  createEndpointsSection
} from '../panels/endpoints';
import { EndpointsModel } from '../panels/endpoints/model';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel, IMlPlatformViews } from '../tokens';

/** The Endpoints section, the view of one endpoint, and their commands. */
export const endpointsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:endpoints',
  description: 'Adds the Endpoints section to the side panel.',
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
    const model = new EndpointsModel(platform.connection);
    const options = {
      model,
      trans,
      actions: actionsOf(model, app.commands, trans, Private.copy),
      apiUrl: new URL(
        URLExt.join(
          app.serviceManager.serverSettings.baseUrl,
          'mlplat',
          'api',
          'v1'
        ),
        window.location.href
      ).toString()
    };
    Private.addCommands(app, platform, model, trans);
    panel.addSection(createEndpointsSection(options), RANKS.endpoints);
    views.add(createEndpointView(options));
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.deployModel,
      CommandIDs.openEndpoint,
      CommandIDs.promoteEndpoint,
      CommandIDs.rollBackEndpoint,
      CommandIDs.undoTraffic,
      CommandIDs.stopEndpoint,
      CommandIDs.startEndpoint,
      CommandIDs.deleteEndpoint,
      CommandIDs.showEndpointLog,
      CommandIDs.copyEndpointUrl
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  /** A command on one endpoint: what differs from command to command. */
  interface IEndpointCommand {
    label: string;
    caption: string;
    icon: LabIcon;

    /** Further arguments, as JSON schemas. */
    properties?: ReadonlyJSONObject;
    required?: string[];

    /** Whether it makes sense for an endpoint as it is. */
    fits?: (endpoint: Endpoint) => boolean;
    execute: (endpoint: string, args: ReadonlyPartialJSONObject) => unknown;
  }

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    model: EndpointsModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const show = () =>
      commands.execute(CommandIDs.open, { section: 'endpoints' });
    const nameOf = (given: unknown): string | null =>
      textOf(given) ??
      model.selected?.name ??
      (model.endpoints.length === 1 ? model.endpoints[0].name : null);
    const add = (id: string, command: IEndpointCommand): void => {
      const { label, caption, icon, fits } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: ({ endpoint }) => {
          const name = nameOf(endpoint);
          const known = model.endpoints.find(found => found.name === name);
          // One that is not known yet may be there all the same: the engine will tell.
          return name !== null && (!known || !fits || fits(known));
        },
        describedBy: { args: schemaOf(command) },
        execute: async args => {
          const name = nameOf(args.endpoint);
          if (name !== null) {
            await command.execute(name, args);
          }
        }
      });
    };

    add(CommandIDs.openEndpoint, {
      label: trans.__('Open Endpoint'),
      caption: trans.__('Show an endpoint in the side panel'),
      icon: endpointsIcon,
      execute: name => {
        model.open(name);
        return show();
      }
    });

    add(CommandIDs.setTraffic, {
      label: trans.__('Split the Traffic of the Endpoint'),
      caption: trans.__('Set the percent of each revision'),
      icon: endpointsIcon,
      properties: {
        traffic: {
          type: 'object',
          description:
            'Percent by revision number; revisions that are left out get nothing',
          additionalProperties: { type: 'integer', minimum: 0, maximum: 100 }
        }
      },
      required: ['traffic'],
      execute: (name, { traffic }) =>
        platform.attempt(() =>
          model.change(name, watch => watch.setTraffic(trafficOf(traffic)))
        )
    });

    add(CommandIDs.undoTraffic, {
      label: trans.__('Undo Moving the Traffic'),
      caption: trans.__(
        'Go back to the split before the last change made here'
      ),
      icon: rollBackIcon,
      execute: name =>
        platform.attempt(() => model.change(name, watch => watch.undo()))
    });

    add(CommandIDs.promoteEndpoint, {
      label: trans.__('Promote the Newest Revision'),
      caption: trans.__('Give the newest revision all traffic'),
      icon: promoteIcon,
      fits: ({ state }) => state !== 'STOPPED',
      execute: name =>
        platform.attempt(() => model.change(name, watch => watch.promote()))
    });

    add(CommandIDs.rollBackEndpoint, {
      label: trans.__('Roll Back the Endpoint'),
      caption: trans.__('Go back to the split of traffic before'),
      icon: rollBackIcon,
      fits: ({ state, previous }) => state !== 'STOPPED' && previous.length > 0,
      execute: name =>
        platform.attempt(() => model.change(name, watch => watch.rollBack()))
    });

    add(CommandIDs.stopEndpoint, {
      label: trans.__('Stop Endpoint'),
      caption: trans.__('Stop the processes of an endpoint'),
      icon: stopIcon,
      fits: ({ state }) => state !== 'STOPPED',
      execute: async name => {
        const isMeant = await confirm({
          title: trans.__('Stop endpoint %1?', name),
          body: trans.__(
            'Requests are refused until it is started again, and its memory is free. Its port, revisions and split of traffic are kept.'
          ),
          accept: trans.__('Stop'),
          reject: trans.__('Let it serve')
        });
        if (isMeant) {
          await platform.attempt(() =>
            model.change(name, watch => watch.stop())
          );
        }
      }
    });

    add(CommandIDs.startEndpoint, {
      label: trans.__('Start Endpoint'),
      caption: trans.__(
        'Start a stopped endpoint, and try again what had been given up'
      ),
      icon: playIcon,
      execute: name =>
        platform.attempt(() => model.change(name, watch => watch.start()))
    });

    add(CommandIDs.deleteEndpoint, {
      label: trans.__('Delete Endpoint'),
      caption: trans.__('Stop an endpoint and forget it'),
      icon: trashIcon,
      execute: async name => {
        const known = model.endpoints.find(found => found.name === name);
        const isMeant = await confirm({
          title: trans.__('Delete endpoint %1?', name),
          body: trans.__(
            'Its processes end, and whoever calls %1 gets no answer any more. Its revisions, logs and figures are gone for good. The models stay registered and can be deployed again, then at another URL.',
            known?.url ?? trans.__('its URL')
          ),
          accept: trans.__('Delete'),
          reject: trans.__('Keep')
        });
        if (isMeant) {
          await platform.attempt(() => model.delete(name));
        }
      }
    });

    add(CommandIDs.showEndpointLog, {
      label: trans.__('Show a Log of the Endpoint'),
      caption: trans.__('Show what the server of a revision wrote'),
      icon: runsIcon,
      properties: {
        revision: {
          type: 'integer',
          minimum: 0,
          description: "Number of a revision; 0, the default: the router's"
        }
      },
      execute: async (name, { revision }) => {
        model.open(name);
        model.selected?.showLog(typeof revision === 'number' ? revision : 0);
        await show();
      }
    });

    add(CommandIDs.copyEndpointUrl, {
      label: trans.__('Copy the URL of the Endpoint'),
      caption: trans.__('Copy where an endpoint answers'),
      icon: copyIcon,
      execute: name =>
        platform.attempt(async () => {
          const { client } = platform.connection;
          const known =
            model.endpoints.find(found => found.name === name) ??
            (await client.call('endpoints.get', { endpoint: name }));
          copy(known.url, trans.__('Copied: %1', known.url));
        })
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
          endpoint: textOf(endpoint),
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

  export function copy(text: string, message: string): void {
    Clipboard.copyToSystem(text);
    Notification.info(message, { autoClose: 2000 });
  }

  function schemaOf(command: IEndpointCommand): ReadonlyJSONObject {
    return {
      type: 'object',
      properties: {
        endpoint: {
          type: 'string',
          description: 'Name of the endpoint; the one that is open by default'
        },
        ...command.properties
      },
      ...(command.required ? { required: command.required } : {})
    };
  }

  function textOf(given: unknown): string | null {
    return typeof given === 'string' && given !== '' ? given : null;
  }

  /** Spell a version as the engine reads it behind a model's name. */
  function referenceOf(version: unknown): string {
    if (/^\d+$/.test(String(version))) {
      return `/${version}`;
    }
    return typeof version === 'string' && version !== '' ? `@${version}` : '';
  }

  /** Read a split as commands are given it: percent by revision number. */
  function trafficOf(given: unknown): Traffic[] {
    return Object.entries((given ?? {}) as Record<string, unknown>).map(
      ([revision, percent]) => ({
        revision: Number(revision),
        percent: Number(percent)
      })
    );
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
