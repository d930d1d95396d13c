import { ILabShell, ILayoutRestorer, IRouter } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { platformIcon } from '../icons';
import { IMlPlatformViews } from '../tokens';
import type { IMainViews } from '../views/view';
import { MainViews } from '../views/views';

/** Views in the main area, and links that open what they name: `?mlplat=run/ID`. */
export const viewsPlugin: JupyterFrontEndPlugin<IMainViews> = {
  id: 'jupyter-mlplat:views',
  description: 'Opens graphs, runs and comparisons in the main area.',
  autoStart: true,
  optional: [ITranslator, ILayoutRestorer, IRouter, ILabShell],
  provides: IMlPlatformViews,
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    router: IRouter | null,
    labShell: ILabShell | null
  ): IMainViews => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const views = new MainViews(app, labShell ? 'main' : 'down');

    commands.addCommand(CommandIDs.openView, {
      label: trans.__('Open View'),
      caption: trans.__('Open a view of the ML platform in the main area'),
      icon: platformIcon,
      describedBy: () => ({
        args: {
          type: 'object',
          properties: {
            view: {
              type: 'string',
              enum: views.kinds,
              description: 'Kind of view, such as "run"'
            }
          },
          required: ['view'],
          additionalProperties: true
        }
      }),
      execute: async ({ view, ...args }) => {
        if (typeof view === 'string') {
          await views.open(view, args as ReadonlyJSONObject);
        }
      }
    });

    commands.addCommand(CommandIDs.openLink, {
      label: trans.__('Open Link'),
      caption: trans.__('Open what a link of the ML platform names'),
      icon: platformIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            link: {
              type: 'string',
              description: 'Kind and name, such as "run/run-01abc"'
            }
          },
          required: ['link']
        }
      },
      execute: async ({ link }) => {
        const [kind, ...rest] = String(link ?? '').split('/');
        const opener = LINKS.get(kind);
        if (opener && rest.length > 0) {
          await commands.execute(opener.command, {
            [opener.argument]: rest.join('/')
          });
        }
      }
    });

    if (router) {
      const opening = 'mlplat:open-route';
      commands.addCommand(opening, {
        label: trans.__('Open the Link in the Address'),
        describedBy: { args: { type: 'object', properties: {} } },
        execute: async () => {
          const query = new URLSearchParams(router.current.search);
          const link = query.get('mlplat');
          await app.restored;
          if (link) {
            await commands.execute(CommandIDs.openLink, { link });
          }
        }
      });
      router.register({ command: opening, pattern: /[?&]mlplat=/ });
    }
    if (restorer) {
      views.restoreWith(restorer);
    }
    return views;
  }
};

/** What opens each kind of link. */
const LINKS: ReadonlyMap<string, { command: string; argument: string }> =
  new Map([
    ['run', { command: CommandIDs.openRun, argument: 'run' }],
    ['training', { command: CommandIDs.openTraining, argument: 'run' }],
    ['tuning', { command: CommandIDs.openTuning, argument: 'run' }],
    ['model', { command: CommandIDs.openModel, argument: 'model' }],
    ['endpoint', { command: CommandIDs.openEndpoint, argument: 'endpoint' }],
    ['schedule', { command: CommandIDs.openSchedule, argument: 'schedule' }],
    ['lineage', { command: CommandIDs.showLineage, argument: 'subject' }]
  ]);

/** Tell whether a link such as `run/run-01abc` names something that can be opened here. */
export function canOpenLink(link: string): boolean {
  return link.includes('/') && LINKS.has(link.split('/')[0]);
}

/** The address that opens something for whoever has access to this server. */
export function linkTo(
  settings: ServerConnection.ISettings,
  kind: string,
  name: string
): string {
  const url = new URL(
    URLExt.join(settings.baseUrl, PageConfig.getOption('appUrl')),
    window.location.href
  );
  url.searchParams.set('mlplat', `${kind}/${name}`);
  return url.toString();
}
