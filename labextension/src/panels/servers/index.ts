import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { serversIcon } from '../../icons';
import type { ISection } from '../section';
import { ServersBody } from './body';
import type { IServersActions } from './body';
import type { ServersModel } from './model';

/** The Servers section: its model, its view, and the commands between them. */
export function createServersSection(options: ServersBody.IOptions): ISection {
  const { model, trans } = options;
  return {
    id: 'servers',
    label: trans.__('Servers'),
    caption: trans.__('Notebook servers on a cluster'),
    icon: serversIcon,
    badge: {
      get value() {
        return model.troubledCount;
      },
      changed: model.changed
    },
    widget: new ServersBody(options)
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: ServersModel,
  commands: CommandRegistry
): IServersActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const on = (id: string) => (server: string) => execute(id, { server });
  return {
    open: server =>
      server === null
        ? model.open(null)
        : execute(CommandIDs.openServer, { server }),
    create: () => execute(CommandIDs.newServer),
    enter: on(CommandIDs.enterServer),
    start: on(CommandIDs.startServer),
    stop: on(CommandIDs.stopServer),
    delete: on(CommandIDs.deleteServer),
    showLog: (server, isShown) =>
      isShown
        ? execute(CommandIDs.showServerLog, { server })
        : model.showLog(false),
    connect: () => execute(CommandIDs.connect)
  };
}
