import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { CommandIDs } from '../commands';
import { VIEW_MIME, ViewHost } from '../outputs/host';
import { canOpenLink } from './views';

/** Below the rank of live widgets (-10), which the host draws itself. */
const RANK = -20;

/** What cells display of ours: the twin until the live view is there, and links into the panel. */
export const outputsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:outputs',
  description: 'Shows what notebooks display of the ML platform.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker | null): void => {
    const host = ({ content: { rendermime }, context }: NotebookPanel) => {
      const hosts = new Set<ViewHost>();
      const createRenderer = () => {
        const created = new ViewHost(rendermime);
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
