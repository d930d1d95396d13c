import { MenuSvg } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Menu } from '@lumino/widgets';

import { itemsOfAlias, itemsOfModel, itemsOfVersion } from './menu-items';
import type { MenuItem } from './menu-items';
import type { ModelsModel } from './model';

/** The menus of the section; every item is a command. Whoever makes them puts them away. */
export interface IModelMenus extends IDisposable {
  showModel: (model: string, below: Element) => void;
  showVersion: (model: string, version: number, below: Element) => void;
  showAlias: (model: string, alias: string, below: Element) => void;
}

/** Make the menus, which open below what opens them and give the focus back. */
export function createMenus(
  models: ModelsModel,
  commands: CommandRegistry
): IModelMenus {
  const menu = new MenuSvg({ commands });
  const show = (items: readonly MenuItem[], below: Element) => {
    menu.clearItems();
    for (const item of items) {
      menu.addItem(
        item === null
          ? { type: 'separator' }
          : { command: item[0], args: item[1] }
      );
    }
    const back = (closed: Menu) => {
      closed.aboutToClose.disconnect(back);
      (below as HTMLElement).focus();
    };
    menu.aboutToClose.connect(back);
    const { left, bottom } = below.getBoundingClientRect();
    menu.open(left, bottom + 2);
  };
  return {
    get isDisposed() {
      return menu.isDisposed;
    },
    dispose: () => menu.dispose(),
    showModel: (model, below) => show(itemsOfModel(model), below),
    showVersion: (model, version, below) =>
      show(itemsOfVersion(models, model, version), below),
    showAlias: (model, alias, below) =>
      show(itemsOfAlias(models, model, alias), below)
  };
}
