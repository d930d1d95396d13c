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
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';

import type { EventStream } from '../api/events';
import type { Event, PlacedServer } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  jumpIcon,
  playIcon,
  plusIcon,
  runsIcon,
  serversIcon,
  stopIcon,
  trashIcon
} from '../icons';
import { RANKS } from '../panels/section';
import { actionsOf, createServersSection } from '../panels/servers';
import {
  addressOf,
  canStop,
  countdownOf,
  forwardCommand,
  keyOf
} from '../panels/servers/facts';
import { ServersModel } from '../panels/servers/model';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The Servers section and its commands. */
export const serversPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:servers',
  description: 'Adds the Servers section to the side panel.',
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
    const model = new ServersModel(platform.connection);
    Private.addCommands(app, platform, model, trans);
    panel.addSection(
      createServersSection({
        model,
        trans,
        actions: actionsOf(model, app.commands)
      }),
      RANKS.servers
    );
    platform.connection.events.received.connect(
      (_: EventStream, event: Event) => {
        if (event.kind === 'server.updated') {
          Private.warn(app, event.data as unknown as PlacedServer, trans);
        }
      }
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.newServer,
      CommandIDs.openServer,
      CommandIDs.enterServer,
      CommandIDs.startServer,
      CommandIDs.stopServer,
      CommandIDs.deleteServer,
      CommandIDs.showServerLog
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  /** A command on one server: what differs from command to command. */
  interface IServerCommand {
    label: string;
    caption: string;
    icon: LabIcon;

    /** Whether it makes sense for a server as it is. */
    fits?: (server: PlacedServer) => boolean;
    execute: (server: string) => unknown;
  }

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    model: ServersModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const show = () =>
      commands.execute(CommandIDs.open, { section: 'servers' });
    const keyFrom = (given: unknown): string | null => {
      if (typeof given === 'string' && given !== '') {
        const found = model.find(given);
        return found ? keyOf(found) : given;
      }
      const only = model.servers.length === 1 ? model.servers[0] : null;
      const meant = model.selected ?? only;
      return meant && keyOf(meant);
    };
    const add = (id: string, command: IServerCommand): void => {
      const { label, caption, icon, fits } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: ({ server }) => {
          const key = keyFrom(server);
          const known = key === null ? null : model.find(key);
          // One that is not known yet may be there all the same: the engine will tell.
          return key !== null && (!known || !fits || fits(known));
        },
        describedBy: {
          args: {
            type: 'object',
            properties: {
              server: {
                type: 'string',
                description:
                  'CLUSTER/NAME of the server, or its name alone; the one that is open by default'
              }
            }
          }
        },
        execute: async ({ server }) => {
          const key = keyFrom(server);
          if (key !== null) {
            await command.execute(key);
          }
        }
      });
    };

    commands.addCommand(CommandIDs.newServer, {
      label: trans.__('New Notebook Server…'),
      caption: trans.__('Start a notebook server on a cluster'),
      icon: plusIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            place: {
              type: 'string',
              description: 'Name of the cluster; the first by default'
            }
          }
        }
      },
      execute: async ({ place }) => {
        await platform.connection.ensure();
        await show();
        if (model.clusters === null) {
          await model.load();
        }
        // With no cluster the section says how to come to one.
        if ((model.clusters ?? []).length > 0) {
          model.compose(typeof place === 'string' ? place : null);
        }
      }
    });

    add(CommandIDs.openServer, {
      label: trans.__('Show Notebook Server'),
      caption: trans.__('Show a server with its volumes and events'),
      icon: serversIcon,
      execute: async key => {
        await show();
        model.open(key);
      }
    });

    add(CommandIDs.enterServer, {
      label: trans.__('Open Notebook Server'),
      caption: trans.__('Open the JupyterLab of a server in a new tab'),
      icon: jumpIcon,
      fits: server => server.state === 'RUNNING',
      execute: async key => {
        const server = model.find(key);
        const address = server && addressOf(server);
        if (address) {
          window.open(address, '_blank', 'noopener,noreferrer');
        } else if (server) {
          await showDialog({
            title: trans.__('%1 has no address here', server.name),
            body: trans.__(
              "The engine's settings do not say where a browser finds servers of cluster %1 (browser_url). Until they do: %2",
              server.place,
              forwardCommand(server)
            ),
            buttons: [Dialog.okButton()]
          });
        }
      }
    });

    add(CommandIDs.startServer, {
      label: trans.__('Start Notebook Server'),
      caption: trans.__('Start a stopped server, or wake one that was idle'),
      icon: playIcon,
      fits: ({ state }) => state === 'STOPPED',
      execute: key => platform.attempt(() => model.start(key))
    });

    add(CommandIDs.stopServer, {
      label: trans.__('Stop Notebook Server'),
      caption: trans.__('Stop a server: its home stays, its GPUs are free'),
      icon: stopIcon,
      fits: canStop,
      execute: async key => {
        const known = model.find(key);
        const isMeant =
          known?.state !== 'RUNNING' ||
          (await confirm({
            title: trans.__('Stop server %1?', known.name),
            body: trans.__(
              'Its kernels end, and what they hold in memory is gone. Its home stays, and it can be started again.'
            ),
            accept: trans.__('Stop'),
            reject: trans.__('Let it run')
          }));
        if (isMeant) {
          await platform.attempt(() => model.stop(key));
        }
      }
    });

    add(CommandIDs.deleteServer, {
      label: trans.__('Delete Notebook Server…'),
      caption: trans.__('Delete a server, and if asked for its home as well'),
      icon: trashIcon,
      execute: async key => {
        const name = model.find(key)?.name ?? key;
        const result = await showDialog({
          title: trans.__('Delete server %1?', name),
          body: trans.__(
            'It is stopped, and its kernels end. Its home is kept, and found again by a new server of the same name, unless you delete it, too: then all files in it are gone for good.'
          ),
          checkbox: {
            label: trans.__('Delete its home, too'),
            checked: false
          },
          buttons: [
            Dialog.cancelButton({ label: trans.__('Keep') }),
            Dialog.warnButton({ label: trans.__('Delete') })
          ]
        });
        if (result.button.accept) {
          await platform.attempt(() =>
            model.delete(key, result.isChecked === true)
          );
        }
      }
    });

    add(CommandIDs.showServerLog, {
      label: trans.__('Show the Log of the Notebook Server'),
      caption: trans.__('Show what a server writes'),
      icon: runsIcon,
      execute: async key => {
        await show();
        model.open(key);
        model.showLog(true);
      }
    });
  }

  /** Tell once of a server that is about to be stopped by itself. */
  export function warn(
    app: JupyterFrontEnd,
    server: PlacedServer,
    trans: TranslationBundle
  ): void {
    const warning = `${keyOf(server)} ${server.warned_at}`;
    const countdown = countdownOf(trans, server, Date.now());
    if (server.warned_at === null || !countdown || warned.has(warning)) {
      return;
    }
    warned.add(warning);
    Notification.warning(
      trans.__('Server %1: %2', server.name, countdown.text),
      {
        autoClose: 30_000,
        actions: [
          {
            label: trans.__('Show'),
            callback: () =>
              void app.commands.execute(CommandIDs.openServer, {
                server: keyOf(server)
              })
          }
        ]
      }
    );
  }

  const warned = new Set<string>();

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
