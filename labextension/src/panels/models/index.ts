import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../commands';
import { modelsIcon } from '../../icons';
import type { ISection } from '../section';
import { ModelsBody } from './body';
import type { IModelsActions } from './body';
import type { IModelMenus } from './menus';
import type { ModelsModel } from './model';

/** The Models section: its model, its view, and the commands between them. */
export function createModelsSection(
  model: ModelsModel,
  commands: CommandRegistry,
  menus: IModelMenus,
  trans: TranslationBundle
): ISection {
  return {
    id: 'models',
    label: trans.__('Models'),
    caption: trans.__('Registered models, their versions and aliases'),
    icon: modelsIcon,
    widget: new ModelsBody({
      model,
      trans,
      actions: actionsOf(model, commands, menus)
    })
  };
}

/** What the views let a user do, as commands. */
function actionsOf(
  models: ModelsModel,
  commands: CommandRegistry,
  menus: IModelMenus
): IModelsActions {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  return {
    open: (model, version) =>
      model === null
        ? models.open(null)
        : execute(
            CommandIDs.openModel,
            version === undefined ? { model } : { model, version }
          ),
    register: args => execute(CommandIDs.registerModel, args),
    setAlias: (model, alias, version) =>
      execute(
        CommandIDs.setAlias,
        alias === null ? { model, version } : { model, alias, version }
      ),
    undoAlias: model => execute(CommandIDs.undoAlias, { model }),
    describe: (model, description) =>
      execute(CommandIDs.describeModel, { model, description }),
    download: (model, version) =>
      execute(CommandIDs.downloadModel, { model, version }),
    deploy: (model, version) =>
      execute(CommandIDs.deployModel, { model, version }),
    openRun: run => execute(CommandIDs.openRun, { run }),
    goToCell: (notebook, cell) =>
      execute(
        CommandIDs.goToCell,
        notebook === null ? { cell } : { notebook, cell }
      ),
    connect: () =>
      void commands.execute(CommandIDs.connect).then(() => models.load()),
    showModelMenu: menus.showModel,
    showVersionMenu: menus.showVersion,
    showAliasMenu: menus.showAlias
  };
}
