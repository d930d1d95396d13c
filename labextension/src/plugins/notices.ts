import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { StoredLedger } from '../notices/ledger';
import type { Exclusively } from '../notices/ledger';
import { NoticesModel, SINGLE } from '../notices/model';
import type { IEndedRun } from '../notices/model';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** A word, with a link, when runs end where nobody is looking at them. */
export const noticesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:notices',
  description: 'Tells of runs that end out of sight, once.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { baseUrl } = app.serviceManager.serverSettings;
    const key = `jupyter-mlplat:notices:${baseUrl}`;
    const model = new NoticesModel(platform.connection, {
      ledger: new StoredLedger(
        window.localStorage,
        key,
        Private.exclusively(key)
      ),
      isWatched: () => panel.isVisible && !document.hidden,
      isHidden: () => document.hidden
    });
    let wanted = 'all';
    void settings?.load('jupyter-mlplat:panel').then(loaded => {
      const apply = () => {
        wanted = loaded.get('notifications').composite as string;
      };
      loaded.changed.connect(apply, model);
      apply();
    });

    const show = (command: string, args: Record<string, string>) => ({
      autoClose: 8000,
      actions: [
        {
          label: trans.__('Show'),
          callback: () => void app.commands.execute(command, args)
        }
      ]
    });
    const tell = (run: IEndedRun) => {
      const { number, pipeline, failed_step: step } = run;
      const options = show(CommandIDs.openRun, { run: run.id });
      if (run.state !== 'FAILED') {
        Notification.success(
          trans.__('Run %1 of %2 succeeded.', number, pipeline),
          options
        );
      } else if (step === null) {
        Notification.error(
          trans.__('Run %1 of %2 failed.', number, pipeline),
          options
        );
      } else {
        Notification.error(
          trans.__('Run %1 of %2 failed at step %3.', number, pipeline, step),
          options
        );
      }
    };
    model.due.connect((_, ended) => {
      const runs = ended.filter(
        ({ state }) =>
          (state === 'FAILED' && wanted !== 'none') ||
          (state === 'SUCCEEDED' && wanted === 'all')
      );
      if (runs.length <= SINGLE) {
        runs.forEach(tell);
        return;
      }
      const failed = runs.filter(({ state }) => state === 'FAILED').length;
      const options = show(CommandIDs.open, { section: 'runs' });
      if (failed === 0) {
        Notification.success(
          trans.__('%1 runs succeeded.', runs.length),
          options
        );
      } else {
        Notification.error(
          trans.__('%1 runs ended, %2 of them failed.', runs.length, failed),
          options
        );
      }
    }, panel);
  }
};

namespace Private {
  /** One tab after another, where the browser can see to it; a page without TLS cannot ask it to. */
  export function exclusively(name: string): Exclusively {
    const locks = navigator.locks as LockManager | undefined;
    return async <T>(action: () => T): Promise<T> =>
      locks ? await locks.request(name, async () => action()) : action();
  }
}
