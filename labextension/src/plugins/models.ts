import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  ICommandPalette,
  InputDialog,
  Notification
} from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { ModelImpact, ModelVersion } from '../api/types';
import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import {
  aliasIcon,
  copyIcon,
  downloadIcon,
  editIcon,
  modelsIcon,
  plusIcon,
  trashIcon,
  undoIcon
} from '../icons';
import { createModelsSection } from '../panels/models';
import { OFFERED_ALIASES } from '../panels/models/aliases';
import { createMenus } from '../panels/models/menus';
import { ModelsModel } from '../panels/models/model';
import { ALIAS, nameFrom } from '../panels/models/registration';
import { RANKS } from '../panels/section';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';
import { linkTo } from './views';

/** The Models section and its commands. */
export const modelsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:models',
  description: 'Adds the Models section to the side panel.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const models = new ModelsModel(platform.connection);
    Private.addCommands(app, platform, panel, models, trans);
    panel.addSection(
      createModelsSection(
        models,
        app.commands,
        createMenus(models, app.commands),
        trans
      ),
      RANKS.models
    );
    const category = trans.__('ML Platform');
    for (const command of [
      CommandIDs.openModel,
      CommandIDs.registerModel,
      CommandIDs.setAlias,
      CommandIDs.removeAlias,
      CommandIDs.undoAlias,
      CommandIDs.describeModel,
      CommandIDs.downloadModel,
      CommandIDs.copyModelLink,
      CommandIDs.deleteModelVersion,
      CommandIDs.deleteModel
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

namespace Private {
  type Args = ReadonlyPartialJSONObject;

  /** A command on a model or one of its versions: what differs from command to command. */
  interface IModelCommand {
    label: (args: Args) => string;
    caption: string;
    icon: LabIcon;
    properties?: Record<string, Args>;
    execute: (model: string, args: Args) => unknown;
  }

  const MODEL = {
    type: 'string',
    description:
      'Name of a model, also NAME/version or NAME@alias; the one that is open by default'
  };
  const VERSION = {
    type: 'integer',
    description: 'Number of the version; the one that is shown by default'
  };

  export function addCommands(
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    models: ModelsModel,
    trans: TranslationBundle
  ): void {
    const { commands } = app;
    const show = () => commands.execute(CommandIDs.open, { section: 'models' });

    const modelOf = (args: Args): string | null =>
      typeof args.model === 'string' && args.model !== ''
        ? args.model.split(/[@/]/)[0]
        : (models.selected?.name ?? null);

    /** The version that arguments mean: a number, an alias, or the one that is shown. */
    const versionOf = async (args: Args): Promise<ModelVersion> => {
      const name = modelOf(args) ?? '';
      const model =
        models.find(name) ??
        (await platform.connection.client.call('models.get', { model: name }));
      const [, alias] = String(args.model ?? '').split('@');
      const [, number] = String(args.model ?? '').split('/');
      const isOpen = models.selected?.name === name;
      const wanted = alias
        ? model.aliases[alias]
        : Number(
            args.version ??
              number ??
              (isOpen ? models.selected?.version?.version : undefined) ??
              model.latest_version
          );
      const found = model.versions.find(({ version }) => version === wanted);
      if (!found) {
        throw new Error(
          trans.__(
            'Model %1 has no such version: its versions are %2.',
            name,
            model.versions.map(({ version }) => version).join(', ')
          )
        );
      }
      return found;
    };

    const add = (id: string, command: IModelCommand): void => {
      const { label, caption, icon, properties = {} } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon,
        isEnabled: args => modelOf(args) !== null,
        describedBy: {
          args: { type: 'object', properties: { model: MODEL, ...properties } }
        },
        execute: args =>
          platform.attempt(async () => {
            const model = modelOf(args);
            if (model !== null) {
              await command.execute(model, args);
            }
          })
      });
    };
    models.changed.connect(() => {
      const open = models.selected?.name;
      if (open !== last) {
        last = open;
        commands.notifyCommandChanged();
      }
    });
    let last: string | undefined;

    commands.addCommand(CommandIDs.openModel, {
      label: trans.__('Open Model'),
      caption: trans.__('Show a registered model in the side panel'),
      icon: modelsIcon,
      describedBy: {
        args: { type: 'object', properties: { model: MODEL, version: VERSION } }
      },
      execute: args =>
        platform.attempt(async () => {
          const name = modelOf(args) ?? models.models[0]?.name ?? null;
          const isOne =
            args.version !== undefined || /[@/]/.test(String(args.model ?? ''));
          models.open(
            name,
            name !== null && isOne ? (await versionOf(args)).version : null
          );
          await show();
        })
    });

    commands.addCommand(CommandIDs.registerModel, {
      label: args =>
        typeof args.model === 'string'
          ? trans.__('Register Another Version…')
          : trans.__('Register a Model…'),
      caption: trans.__('Make a model version of what a run has logged'),
      icon: plusIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            model: { type: 'string', description: 'Name of the model' },
            run: {
              type: 'string',
              description: 'Id of a run; the newest that logged a model'
            },
            logged_as: {
              type: 'string',
              description: 'Its name in log_model; the first by default'
            },
            description: {
              type: 'string',
              description: 'What is to be said of the version'
            },
            aliases: {
              type: 'array',
              items: { type: 'string' },
              description: 'Aliases to point at the version'
            },
            now: {
              type: 'boolean',
              description: 'Register at once; otherwise a form is shown first'
            }
          }
        }
      },
      execute: args =>
        platform.attempt(async () => {
          const aliases = Array.isArray(args.aliases)
            ? args.aliases.map(String)
            : [];
          const run = text(args.run);
          const loggedAs = text(args.logged_as);
          const model = text(args.model);
          if (args.now === true) {
            const made = await models.register({
              model: model ?? nameFrom(loggedAs ?? ''),
              run_id: run ?? (await newestRun(platform)),
              ...(loggedAs ? { logged_as: loggedAs } : {}),
              description: text(args.description) ?? '',
              aliases
            });
            await show();
            return made.version;
          }
          models.compose({
            ...(run ? { run } : {}),
            ...(loggedAs ? { loggedAs } : {}),
            ...(model ? { model } : {}),
            description: text(args.description) ?? '',
            aliases
          });
          await show();
          return undefined;
        })
    });

    add(CommandIDs.setAlias, {
      label: args => {
        const alias = text(args.alias);
        const at = models.find(modelOf(args) ?? '')?.aliases[alias ?? ''];
        return alias === undefined
          ? typeof args.version === 'number'
            ? trans.__('Set Another Alias…')
            : trans.__('Set an Alias of the Model…')
          : at === undefined
            ? trans.__('Set “%1” on Version %2', alias, args.version)
            : trans.__('Move “%1” to Version %2', alias, args.version);
      },
      caption: trans.__('Point an alias such as champion at a model version'),
      icon: aliasIcon,
      properties: {
        version: VERSION,
        alias: { type: 'string', description: 'The alias; asked for without' }
      },
      execute: async (model, args) => {
        const { version } = await versionOf(args);
        const known = Object.keys(models.find(model)?.aliases ?? {});
        const alias =
          text(args.alias) ??
          (await askForAlias(trans, version, [
            ...new Set([...OFFERED_ALIASES, ...known])
          ]));
        if (alias === undefined) {
          return;
        }
        if (!ALIAS.test(alias)) {
          throw new Error(
            trans.__(
              'Cannot use “%1” as an alias: it begins with a small letter and goes on with letters, digits, - and _.',
              alias
            )
          );
        }
        await models.setAlias(model, alias, version);
        if (!panel.isVisible) {
          Notification.success(
            trans.__('%1 of %2 is version %3 now.', alias, model, version),
            {
              autoClose: 8000,
              actions: [
                {
                  label: trans.__('Undo'),
                  callback: () =>
                    void commands.execute(CommandIDs.undoAlias, { model })
                }
              ]
            }
          );
        }
      }
    });

    add(CommandIDs.removeAlias, {
      label: args =>
        typeof args.alias === 'string'
          ? trans.__('Remove “%1”', args.alias)
          : trans.__('Remove an Alias of the Model…'),
      caption: trans.__('Remove an alias; the version stays'),
      icon: aliasIcon,
      properties: {
        alias: { type: 'string', description: 'The alias; asked for without' }
      },
      execute: async (model, args) => {
        const known = Object.keys(models.find(model)?.aliases ?? {});
        const alias =
          text(args.alias) ??
          (
            await InputDialog.getItem({
              title: trans.__('Remove which alias of %1?', model),
              items: known
            })
          ).value;
        if (alias) {
          await models.setAlias(model, alias, null);
        }
      }
    });

    add(CommandIDs.undoAlias, {
      label: () => trans.__('Undo the Last Move of an Alias'),
      caption: trans.__('Point the alias that moved last where it was before'),
      icon: undoIcon,
      execute: async model => {
        if ((await models.undoAlias(model)) === null) {
          throw new Error(trans.__('No alias of %1 has moved yet.', model));
        }
      }
    });

    add(CommandIDs.describeModel, {
      label: () => trans.__('Describe the Model…'),
      caption: trans.__('Change what is said of a registered model'),
      icon: editIcon,
      properties: {
        description: { type: 'string', description: 'Asked for without' }
      },
      execute: async (model, args) => {
        const description =
          typeof args.description === 'string'
            ? args.description
            : (
                await InputDialog.getText({
                  title: trans.__('What is %1 for?', model),
                  text: models.find(model)?.description ?? ''
                })
              ).value;
        if (description !== null) {
          await models.describe(model, description);
        }
      }
    });

    add(CommandIDs.downloadModel, {
      label: args =>
        typeof args.version === 'number'
          ? trans.__('Download Version %1', args.version)
          : trans.__('Download the Model Version'),
      caption: trans.__('Save the content of a model version as a file'),
      icon: downloadIcon,
      properties: { version: VERSION },
      execute: async (_, args) => {
        const version = await versionOf(args);
        await checkContent(platform, version.artifact_id);
        const { baseUrl } = app.serviceManager.serverSettings;
        const path = `artifacts/${encodeURIComponent(version.artifact_id)}/content`;
        const name = `${version.model}-${version.version}.${ENDINGS[version.format]}`;
        const link = document.createElement('a');
        link.href = `${URLExt.join(baseUrl, 'mlplat/api/v1', path)}?${new URLSearchParams({ as: name })}`;
        link.download = name;
        link.click();
      }
    });

    add(CommandIDs.copyModelLink, {
      label: () => trans.__('Copy Link to the Model'),
      caption: trans.__('Copy an address that opens this model'),
      icon: copyIcon,
      properties: { version: VERSION },
      execute: (model, args) => {
        const { serverSettings } = app.serviceManager;
        const name =
          typeof args.version === 'number' ? `${model}/${args.version}` : model;
        Clipboard.copyToSystem(linkTo(serverSettings, 'model', name));
        Notification.success(trans.__('The link is in the clipboard.'), {
          autoClose: 3000
        });
      }
    });

    add(CommandIDs.deleteModelVersion, {
      label: args =>
        typeof args.version === 'number'
          ? trans.__('Delete Version %1…', args.version)
          : trans.__('Delete the Model Version…'),
      caption: trans.__('Delete a model version; shows what would break first'),
      icon: trashIcon,
      properties: { version: VERSION },
      execute: async (model, args) => {
        const { version } = await versionOf(args);
        const impact = await models.impact(model, version);
        if (await isMeant(trans, impact)) {
          await models.deleteVersion(model, version, impact.is_forced);
        }
      }
    });

    add(CommandIDs.deleteModel, {
      label: () => trans.__('Delete the Model…'),
      caption: trans.__(
        'Delete a model with all its versions; shows what would break first'
      ),
      icon: trashIcon,
      execute: async model => {
        const impact = await models.impact(model, null);
        if (await isMeant(trans, impact)) {
          await models.delete(model, impact.is_forced);
        }
      }
    });
  }

  /** The dialog's code is loaded when somebody first deletes. */
  async function isMeant(
    trans: TranslationBundle,
    impact: ModelImpact
  ): Promise<boolean> {
    const { confirmDeletion } = await import('../panels/models/impact');
    return confirmDeletion(trans, impact);
  }

  function text(value: unknown): string | undefined {
    return typeof value === 'string' && value.trim() !== ''
      ? value.trim()
      : undefined;
  }

  async function askForAlias(
    trans: TranslationBundle,
    version: number,
    items: string[]
  ): Promise<string | undefined> {
    const { value } = await InputDialog.getItem({
      title: trans.__('Which alias should be version %1?', version),
      label: trans.__('Choose one or write another'),
      items,
      editable: true,
      okLabel: trans.__('Set')
    });
    return text(value);
  }

  async function newestRun(platform: IMlPlatform): Promise<string> {
    return (await platform.connection.client.getRun('latest')).id;
  }

  /** See that the content is still there, so that a browser does not save an error as a model. */
  async function checkContent(
    platform: IMlPlatform,
    artifact: string
  ): Promise<void> {
    const abort = new AbortController();
    await platform.connection.client.call(
      'artifacts.content',
      { artifact },
      undefined,
      { signal: abort.signal }
    );
    abort.abort();
  }

  /** What a file of each format is called. */
  const ENDINGS: Record<ModelVersion['format'], string> = {
    sklearn: 'skops',
    onnx: 'onnx',
    python: 'pkl',
    pickle: 'pkl',
    mlflow: 'yaml'
  };
}
