import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { URLExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { Cards } from '../outputs/cards';
import type { IAddress, Twin } from '../outputs/cards';
import { VIEW_MIME, ViewHost } from '../outputs/host';
import { IMlPlatform } from '../tokens';
import { canOpenLink } from './views';

/** Below the rank of live widgets (-10), which the host draws itself. */
const RANK = -20;

/** A kernel in such a state knows nothing any more of what it has shown. */
const GONE: readonly Kernel.Status[] = [
  'restarting',
  'autorestarting',
  'terminating',
  'dead'
];

/** What cells display of ours: the twin until the live view is there, and links into the panel. */
export const outputsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:outputs',
  description: 'Shows what notebooks display of the ML platform.',
  autoStart: true,
  optional: [INotebookTracker, IMlPlatform, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker | null,
    platform: IMlPlatform | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const cards =
      platform &&
      new Cards(
        platform.connection,
        Private.drawer(app.serviceManager.serverSettings)
      );
    const open = {
      label: trans.__('Open in panel'),
      act: ({ run, link = `run/${run}` }: IAddress) =>
        void app.commands.execute(CommandIDs.openLink, { link })
    };
    const host = (panel: NotebookPanel) => {
      const { rendermime } = panel.content;
      const { context, sessionContext } = panel;
      const hosts = new Set<ViewHost>();
      const createRenderer = () => {
        const created = new ViewHost({ rendermime, cards, open });
        hosts.add(created);
        created.disposed.connect(() => hosts.delete(created));
        return created;
      };
      rendermime.addFactory(
        { safe: true, mimeTypes: [VIEW_MIME], createRenderer },
        RANK
      );
      // Views that never come to rest would else leave the notebook unsaved all the time.
      context.saveState.connect((_, state) => {
        if (state === 'started') {
          hosts.forEach(host => host.keep());
        }
      });
      const lose = () => hosts.forEach(host => host.lose());
      sessionContext.statusChanged.connect((_, status) => {
        if (GONE.includes(status)) {
          lose();
        }
      });
      sessionContext.kernelChanged.connect((_, { oldValue }) => {
        if (oldValue) {
          lose();
        }
      });
    };
    tracker?.forEach(host);
    tracker?.widgetAdded.connect((_, panel) => host(panel));

    // A view cannot see the application: it asks by events who opens what it names.
    const answer = (event: Event, act: (link: string) => void) => {
      const link: unknown = (event as CustomEvent).detail?.link;
      if (typeof link === 'string' && canOpenLink(link)) {
        event.preventDefault();
        act(link);
      }
    };
    document.addEventListener('mlplat:can-open', event =>
      answer(event, () => undefined)
    );
    document.addEventListener('mlplat:open', event =>
      answer(event, link => {
        void app.commands.execute(CommandIDs.openLink, { link });
      })
    );
    document.dispatchEvent(new CustomEvent('mlplat:ready'));
  }
};

namespace Private {
  /** The Jupyter server draws cards as kernels do. */
  export function drawer(
    settings: ServerConnection.ISettings
  ): (address: IAddress) => Promise<Twin> {
    return async ({ run, step }) => {
      const url = URLExt.join(settings.baseUrl, 'mlplat', 'cards', run);
      const query = step ? URLExt.objectToQueryString({ step }) : '';
      const response = await ServerConnection.makeRequest(
        url + query,
        {},
        settings
      );
      if (!response.ok) {
        throw await ServerConnection.ResponseError.create(response);
      }
      return (await response.json()) as Twin;
    };
  }
}
