import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { endpointsIcon } from '../../icons';
import type { ISection } from '../section';
import { EndpointsBody } from './body';
import type { IEndpointsActions } from './body';
import type { EndpointsModel } from './model';

/** The Endpoints section: its model, its view, and the commands between them. */
export function createEndpointsSection(
  model: EndpointsModel,
  commands: CommandRegistry,
  trans: TranslationBundle
): ISection {
  return {
    id: 'endpoints',
    label: trans.__('Endpoints'),
    caption: trans.__('Models that are served'),
    icon: endpointsIcon,
    badge: {
      get value() {
        return model.troubledCount;
      },
      changed: model.changed
    },
    widget: new EndpointsBody({
      model,
      trans,
      actions: actionsOf(model, commands)
    })
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: EndpointsModel,
  commands: CommandRegistry
): IEndpointsActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  return {
    open: endpoint =>
      endpoint === null
        ? model.open(null)
        : execute(CommandIDs.openEndpoint, { endpoint }),
    deploy: args => execute(CommandIDs.deployModel, args),
    connect: () => execute(CommandIDs.connect),
    showModels: () => execute(CommandIDs.open, { section: 'models' })
  };
}
