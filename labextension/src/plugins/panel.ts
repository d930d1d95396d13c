import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { platformIcon } from '../icons';
import { PlatformPanel } from '../panels/panel';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** The side panel itself, still without sections, and how to open it. */
export const panelPlugin: JupyterFrontEndPlugin<IMlPlatformPanel> = {
  id: 'jupyter-mlplat:panel',
  description: 'Adds the side panel of the ML platform.',
  autoStart: true,
  requires: [IMlPlatform],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IStateDB],
  provides: IMlPlatformPanel,
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ): IMlPlatformPanel => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands, shell } = app;
    const panel = new PlatformPanel({
      connection: platform.connection,
      trans,
      onConnect: () => void commands.execute(CommandIDs.connect)
    });
    panel.shown.connect(() => void platform.connection.ensure(), panel);
    shell.add(panel, 'left', { rank: 450, type: 'ML Platform' });
    restorer?.add(panel, panel.id);
    if (state) {
      void Private.restoreSection(app, panel, state);
    }

    commands.addCommand(CommandIDs.open, {
      label: args => {
        const section = panel.sections.find(({ id }) => id === args.section);
        return section
          ? trans.__('Show %1', section.label)
          : trans.__('Show ML Platform');
      },
      caption: trans.__('Open the side panel of the ML platform'),
      icon: platformIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            section: {
              type: 'string',
              description: 'Section to show, such as "pipeline" or "runs"'
            }
          }
        }
      },
      execute: args => {
        if (typeof args.section === 'string') {
          panel.choose(args.section);
        }
        shell.activateById(panel.id);
      }
    });
    commands.addCommand(CommandIDs.connect, {
      label: trans.__('Connect to the Engine'),
      caption: trans.__('Start the engine if it is not running, and connect'),
      icon: platformIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        await platform.connection.ensure();
        await platform.pipeline.recompile();
      }
    });

    const category = trans.__('ML Platform');
    palette?.addItem({ command: CommandIDs.open, category });
    panel.added.connect((_, section) => {
      const args = { section: section.id };
      palette?.addItem({ command: CommandIDs.open, category, args });
    });
    palette?.addItem({ command: CommandIDs.connect, category });
    return panel;
  }
};

namespace Private {
  const KEY = 'jupyter-mlplat:panel';

  /** Show the section that was open before the page was loaded again, and remember the next one. */
  export async function restoreSection(
    app: JupyterFrontEnd,
    panel: PlatformPanel,
    state: IStateDB
  ): Promise<void> {
    await app.restored;
    const saved = (await state.fetch(KEY)) as { section?: string } | undefined;
    if (saved?.section) {
      panel.choose(saved.section);
    }
    let last = panel.current?.id;
    panel.changed.connect(() => {
      const section = panel.current?.id;
      if (section !== undefined && section !== last) {
        last = section;
        void state.save(KEY, { section });
      }
    }, panel);
  }
}
