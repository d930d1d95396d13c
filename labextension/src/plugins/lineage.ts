import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { downloadIcon, lineageIcon, linkIcon } from '../icons';
import { LineageModel, createLineageSection } from '../panels/lineage';
import type { ILineageActions, ISubject } from '../panels/lineage';
import type { LineageExplorer } from '../panels/lineage/explorer';
import { LineageMain } from '../panels/lineage/main';
import { explore } from '../panels/lineage/model';
import type { IRecent } from '../panels/lineage/model';
import type { Format } from '../panels/lineage/saving';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel, IMlPlatformViews } from '../tokens';
import { linkTo } from './views';

/** The Lineage section, its graph in the main area, and their commands. */
export const lineagePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:lineage',
  description: 'Adds the Lineage section to the side panel.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel, IMlPlatformViews],
  optional: [ITranslator, ICommandPalette, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    views: IMlPlatformViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    state: IStateDB | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const model = new LineageModel(platform.connection);
    const actions = Private.actionsOf(app, model);
    Private.addCommands(app, platform, panel, model, trans);
    panel.addSection(
      createLineageSection(model, actions, trans),
      RANKS.lineage
    );
    views.add({
      id: Private.VIEW,
      icon: lineageIcon,
      label: args =>
        trans.__('Lineage of %1', Private.shortName(String(args.subject))),
      create: args => {
        const subject = Private.subjectOf(args);
        const exploring = explore(platform.connection, subject);
        return new LineageMain({ exploring, actions, trans });
      }
    });
    if (state) {
      void Private.keepRecent(model, state);
    }
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.showLineage,
      CommandIDs.openLineageGraph,
      CommandIDs.whereUsed,
      CommandIDs.copyLineageLink
    ]) {
      palette?.addItem({ command, category });
    }
    for (const format of ['svg', 'png', 'json']) {
      const args = { format };
      palette?.addItem({ command: CommandIDs.exportLineage, category, args });
    }
  }
};

namespace Private {
  export const VIEW = 'lineage';
  const KEY = 'jupyter-mlplat:lineage';

  const SUBJECT = {
    type: 'string',
    description:
      'What to start from: "model:NAME/VERSION", "run:ID", "value:NAME", "step:NAME", "cell:ID", or the id of an artifact or execution'
  } as const;
  const NOTEBOOK = {
    type: 'string',
    description: 'Absolute path of the notebook of a cell or step'
  } as const;
  const DIRECTION = {
    type: 'string',
    enum: ['upstream', 'downstream', 'both'],
    description: 'Towards what it was made from, or where it went'
  } as const;

  /** What the views do, as commands. */
  export function actionsOf(
    app: JupyterFrontEnd,
    model: LineageModel
  ): ILineageActions {
    const execute = (id: string, args: object = {}) =>
      void app.commands.execute(id, args as ReadonlyPartialJSONObject);
    return {
      show: subject =>
        subject === null
          ? void model.open(null)
          : execute(CommandIDs.showLineage, subject),
      openGraph: subject => execute(CommandIDs.openLineageGraph, subject),
      openRun: run => execute(CommandIDs.openRun, { run }),
      goToCell: (notebook, cell) =>
        execute(CommandIDs.goToCell, {
          cell,
          ...(notebook === null ? {} : { notebook })
        }),
      openModel: name =>
        execute(CommandIDs.openLink, { link: `model/${name}` }),
      openEndpoint: name =>
        execute(CommandIDs.openLink, { link: `endpoint/${name}` }),
      download: artifact => execute(CommandIDs.downloadArtifact, { artifact }),
      exportAs: format => execute(CommandIDs.exportLineage, { format }),
      copyLink: subject => execute(CommandIDs.copyLineageLink, { subject }),
      connect: () => execute(CommandIDs.connect)
    };
  }

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    model: LineageModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;

    /** The exploration in front: of the graph that is shown, else of the panel. */
    const current = (): LineageExplorer | null => {
      const shown = app.shell.currentWidget;
      const content = (shown as { content?: Widget } | null)?.content;
      return content instanceof LineageMain ? content.explorer : model.explorer;
    };

    commands.addCommand(CommandIDs.showLineage, {
      label: trans.__('Show Lineage'),
      caption: trans.__('Show what something was made from and where it went'),
      icon: lineageIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            subject: {
              ...SUBJECT,
              description: `${SUBJECT.description}; the search without one`
            },
            notebook: NOTEBOOK,
            direction: DIRECTION
          }
        }
      },
      execute: async args => {
        await commands.execute(CommandIDs.open, { section: 'lineage' });
        await model.open(
          text(args.subject) === undefined ? null : subjectOf(args)
        );
      }
    });

    commands.addCommand(CommandIDs.openLineageGraph, {
      label: trans.__('Open the Lineage Graph'),
      caption: trans.__('Draw what something was made from and where it went'),
      icon: lineageIcon,
      isEnabled: args =>
        text(args.subject) !== undefined || model.explorer !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            subject: {
              ...SUBJECT,
              description: `${SUBJECT.description}; that of the panel by default`
            },
            notebook: NOTEBOOK,
            direction: DIRECTION
          }
        }
      },
      execute: async args => {
        const subject =
          text(args.subject) === undefined
            ? model.explorer?.subject
            : subjectOf(args);
        if (subject) {
          await commands.execute(CommandIDs.openView, {
            view: VIEW,
            ...subject
          });
        }
      }
    });

    commands.addCommand(CommandIDs.whereUsed, {
      label: trans.__('Where Used'),
      caption: trans.__(
        'Show what the step of a cell made in the last runs, and where it went'
      ),
      icon: lineageIcon,
      isEnabled: args =>
        text(args.cell) !== undefined || platform.notebook !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            cell: {
              type: 'string',
              description: 'Id of the cell; the active one by default'
            },
            notebook: {
              type: 'string',
              description: 'Absolute path; the active notebook by default'
            }
          }
        }
      },
      execute: async args => {
        const { notebook } = platform;
        const cell =
          text(args.cell) ?? notebook?.panel.content.activeCell?.model.id;
        const path =
          text(args.notebook) ??
          (notebook ? platform.navigator.absolute(notebook.path) : undefined);
        if (cell !== undefined) {
          await commands.execute(CommandIDs.showLineage, {
            subject: `cell:${cell}`,
            direction: 'downstream',
            ...(path === undefined ? {} : { notebook: path })
          });
        }
      }
    });

    commands.addCommand(CommandIDs.traceLineage, {
      label: trans.__('Show How Something Reached Something'),
      caption: trans.__(
        'Draw all ways from one thing, or its column, to another'
      ),
      icon: lineageIcon,
      describedBy: {
        args: {
          type: 'object',
          required: ['from', 'to'],
          properties: {
            from: { ...SUBJECT, description: 'Where the ways begin' },
            to: { ...SUBJECT, description: 'Where they end' },
            column: {
              type: 'string',
              description: 'A column of the table they begin at'
            },
            notebook: NOTEBOOK
          }
        }
      },
      execute: async args => {
        const [from, to] = [text(args.from), text(args.to)];
        if (from !== undefined && to !== undefined) {
          await commands.execute(CommandIDs.openView, {
            view: VIEW,
            subject: to,
            from,
            ...(text(args.column) ? { column: text(args.column) } : {}),
            ...(text(args.notebook) ? { notebook: text(args.notebook) } : {})
          } as ReadonlyJSONObject);
        }
      }
    });

    commands.addCommand(CommandIDs.exportLineage, {
      label: args =>
        trans.__(
          'Save the Lineage as %1',
          String(args.format ?? 'svg').toUpperCase()
        ),
      caption: trans.__('Save the graph as it is shown'),
      icon: downloadIcon,
      isEnabled: () => (current()?.roots.length ?? 0) > 0,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            format: {
              type: 'string',
              enum: ['svg', 'png', 'json'],
              description: 'A drawing (default), a picture, or the facts'
            }
          }
        }
      },
      execute: async args => {
        const explorer = current();
        const format = text(args.format) ?? 'svg';
        if (explorer && isFormat(format)) {
          try {
            const { makeFile } = await import('../panels/lineage/saving');
            const { name, content } = await makeFile(explorer, format, trans);
            const url = URL.createObjectURL(content);
            save(url, name);
            setTimeout(() => URL.revokeObjectURL(url), 60_000);
          } catch (error) {
            Notification.error(
              trans.__('Could not save the graph: %1', String(error))
            );
          }
        }
      }
    });

    commands.addCommand(CommandIDs.copyLineageLink, {
      label: trans.__('Copy a Link to the Lineage'),
      caption: trans.__('Copy an address that opens the lineage of a subject'),
      icon: linkIcon,
      isEnabled: args => text(args.subject) !== undefined || current() !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            subject: {
              ...SUBJECT,
              description: `${SUBJECT.description}; the one that is open by default`
            }
          }
        }
      },
      execute: args => {
        const subject = text(args.subject) ?? current()?.subject.subject;
        if (subject !== undefined) {
          Clipboard.copyToSystem(
            linkTo(app.serviceManager.serverSettings, 'lineage', subject)
          );
          Notification.info(trans.__('The link is in the clipboard.'), {
            autoClose: 3000
          });
        }
      }
    });

    commands.addCommand(CommandIDs.downloadArtifact, {
      label: trans.__('Download an Artifact'),
      caption: trans.__('Save a value, model or file as it was kept'),
      icon: downloadIcon,
      describedBy: {
        args: {
          type: 'object',
          required: ['artifact'],
          properties: {
            artifact: { type: 'string', description: 'Id of the artifact' }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const id = text(args.artifact) ?? '';
          // An answer of the engine says what is wrong; a link would not.
          const { name } = await platform.connection.client.call(
            'artifacts.get',
            { artifact: id }
          );
          const { baseUrl } = app.serviceManager.serverSettings;
          const path = ['mlplat/api/v1/artifacts', encodeURIComponent(id)];
          save(URLExt.join(baseUrl, ...path, 'content'), name);
        })
    });

    model.changed.connect(
      () => commands.notifyCommandChanged(CommandIDs.openLineageGraph),
      panel
    );
  }

  /** Remember over reloads what was looked at. */
  export async function keepRecent(
    model: LineageModel,
    state: IStateDB
  ): Promise<void> {
    const saved = (await state.fetch(KEY)) as
      { recent?: IRecent[] } | undefined;
    if (Array.isArray(saved?.recent)) {
      model.setRecent(saved.recent);
    }
    model.recentChanged.connect(() => {
      const recent = model.recent.map(one => ({ ...one }));
      void state.save(KEY, {
        recent: recent as unknown as ReadonlyJSONObject[]
      });
    }, model);
  }

  export function subjectOf(args: ReadonlyPartialJSONObject): ISubject {
    const { subject, notebook, direction, from, column } = args;
    return {
      subject: text(subject) ?? '',
      ...(text(notebook) ? { notebook: text(notebook) } : {}),
      ...(direction === 'upstream' || direction === 'downstream'
        ? { direction }
        : {}),
      ...(text(from) ? { from: text(from) } : {}),
      ...(text(column) ? { column: text(column) } : {})
    };
  }

  /** A name for the tab before anything is known of the subject. */
  export function shortName(subject: string): string {
    const name = subject.slice(subject.indexOf(':') + 1);
    return name.length > 24 ? `${name.slice(0, 23)}…` : name;
  }

  function save(url: string, name: string): void {
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.hidden = true;
    document.body.appendChild(link);
    link.click();
    link.remove();
  }

  function isFormat(format: string): format is Format {
    return format === 'svg' || format === 'png' || format === 'json';
  }

  function text(value: unknown): string | undefined {
    return typeof value === 'string' && value !== '' ? value : undefined;
  }
}
