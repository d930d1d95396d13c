import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { CommandIDs } from '../../commands';
import { OFFERED_ALIASES } from './aliases';
import type { ModelsModel } from './model';

/** A command in a menu; null is a line between commands. */
export type MenuItem = [command: string, args: ReadonlyJSONObject] | null;

/** What can be done with a whole model. */
export function itemsOfModel(model: string): MenuItem[] {
  return [
    [CommandIDs.registerModel, { model }],
    [CommandIDs.undoAlias, { model }],
    null,
    [CommandIDs.deleteModel, { model }]
  ];
}

/** What can be done with a version: aliases first, as that is what one comes for. */
export function itemsOfVersion(
  models: ModelsModel,
  model: string,
  version: number
): MenuItem[] {
  const aliases = models.find(model)?.aliases ?? {};
  const names = new Set([...OFFERED_ALIASES, ...Object.keys(aliases)]);
  const args = { model, version };
  return [
    ...[...names]
      .filter(alias => aliases[alias] !== version)
      .map((alias): MenuItem => [CommandIDs.setAlias, { ...args, alias }]),
    [CommandIDs.setAlias, args],
    ...Object.keys(aliases)
      .filter(alias => aliases[alias] === version)
      .map((alias): MenuItem => [CommandIDs.removeAlias, { model, alias }]),
    null,
    [CommandIDs.deployModel, args],
    [CommandIDs.downloadModel, args],
    null,
    [CommandIDs.deleteModelVersion, args]
  ];
}

/** Where an alias can go. */
export function itemsOfAlias(
  models: ModelsModel,
  model: string,
  alias: string
): MenuItem[] {
  const found = models.find(model);
  const others = [...(found?.versions ?? [])]
    .reverse()
    .filter(({ version }) => version !== found?.aliases[alias])
    .slice(0, SHOWN_VERSIONS);
  return [
    ...others.map(({ version }): MenuItem => [
      CommandIDs.setAlias,
      { model, alias, version }
    ]),
    null,
    [CommandIDs.deployModel, { model, version: alias }],
    [CommandIDs.removeAlias, { model, alias }]
  ];
}

/** For older ones there is the menu of the version. */
const SHOWN_VERSIONS = 10;
