import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { endpointsIcon } from '../../icons';
import type { IMainView } from '../../views/view';
import type { ISection } from '../section';
import { EndpointView, EndpointsBody } from './body';
import type { IEndpointsActions } from './body';
import type { EndpointsModel } from './model';

/** The Endpoints section: its model, its view, and the commands between them. */
export function createEndpointsSection(
  options: EndpointsBody.IOptions
): ISection {
  const { model, trans } = options;
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
    widget: new EndpointsBody(options)
  };
}

/** One endpoint in the main area: `{ view: 'endpoint', endpoint: NAME }`. */
export function createEndpointView(options: EndpointsBody.IOptions): IMainView {
  return {
    id: 'endpoint',
    icon: endpointsIcon,
    label: ({ endpoint }) => String(endpoint),
    create: ({ endpoint }) => new EndpointView(options, String(endpoint))
  };
}

/** What the views let a user do, as commands. */
export function actionsOf(
  model: EndpointsModel,
  commands: CommandRegistry,
  trans: TranslationBundle,
  copy: (text: string, what: string) => void
): IEndpointsActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const on = (id: string) => (endpoint: string) => execute(id, { endpoint });
  return {
    open: endpoint =>
      endpoint === null
        ? model.open(null)
        : execute(CommandIDs.openEndpoint, { endpoint }),
    deploy: args => execute(CommandIDs.deployModel, args),
    expand: endpoint =>
      execute(CommandIDs.openView, { view: 'endpoint', endpoint }),
    setTraffic: (endpoint, traffic) =>
      execute(CommandIDs.setTraffic, {
        endpoint,
        traffic: Object.fromEntries(
          traffic.map(part => [part.revision, part.percent])
        )
      }),
    undoTraffic: on(CommandIDs.undoTraffic),
    promote: on(CommandIDs.promoteEndpoint),
    rollBack: on(CommandIDs.rollBackEndpoint),
    stop: on(CommandIDs.stopEndpoint),
    start: on(CommandIDs.startEndpoint),
    delete: on(CommandIDs.deleteEndpoint),
    // Where it is looked at: in the panel or in the main area.
    showLog: (endpoint, revision) =>
      void model.change(endpoint, async watch => watch.showLog(revision)),
    copyUrl: on(CommandIDs.copyEndpointUrl),
    copy: text => copy(text, trans.__('Copied.')),
    connect: () => execute(CommandIDs.connect),
    showModels: () => execute(CommandIDs.open, { section: 'models' })
  };
}
