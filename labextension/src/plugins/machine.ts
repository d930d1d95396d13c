import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { machineIcon } from '../icons';
import { MachineBody } from '../panels/machine/body';
import { MachineModel } from '../panels/machine/model';
import { IMlPlatform, IMlPlatformViews } from '../tokens';

/** The machine in the main area: its GPUs, who holds them and who waits for them. */
export const machinePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:machine',
  description: 'Shows what the machine has and who holds what of it.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformViews],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    views: IMlPlatformViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;

    views.add({
      id: 'machine',
      icon: machineIcon,
      label: () => trans.__('Machine'),
      create: () => {
        void platform.connection.ensure();
        return new MachineBody(
          new MachineModel(platform.connection),
          {
            openRun: run => void commands.execute(CommandIDs.openRun, { run }),
            release: (lease, name) =>
              void commands.execute(CommandIDs.releaseLease, { lease, name })
          },
          trans
        );
      }
    });

    commands.addCommand(CommandIDs.showMachine, {
      label: trans.__('Show Machine'),
      caption: trans.__(
        'Show cores, memory and GPUs, who holds them and who waits for them'
      ),
      icon: machineIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => commands.execute(CommandIDs.openView, { view: 'machine' })
    });

    commands.addCommand(CommandIDs.releaseLease, {
      label: trans.__('Take Back a GPU'),
      caption: trans.__('End the lease that a kernel has of a GPU'),
      isEnabled: ({ lease }) => typeof lease === 'string',
      describedBy: {
        args: {
          type: 'object',
          properties: {
            lease: { type: 'string', description: 'Id of the lease' },
            name: { type: 'string', description: 'Who holds it, for people' }
          },
          required: ['lease']
        }
      },
      execute: async ({ lease, name }) => {
        const asked = await showDialog({
          title: trans.__('Take the GPU back?'),
          body: trans.__(
            '%1 goes on, and what it has on the device stays there until it lets go of it. Others may be given the device.',
            String(name ?? trans.__('The kernel'))
          ),
          buttons: [
            Dialog.cancelButton(),
            Dialog.warnButton({ label: trans.__('Take back') })
          ]
        });
        if (asked.button.accept) {
          await platform.attempt(() =>
            platform.connection.client.call('leases.release', {
              lease: String(lease)
            })
          );
        }
      }
    });
    palette?.addItem({
      command: CommandIDs.showMachine,
      category: trans.__('ML Platform')
    });
  }
};
