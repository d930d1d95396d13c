import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { IMlPlatform } from '../tokens';

/** The engine's state and the number of running runs, in the status bar. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:status',
  description: 'Shows the engine and its runs in the status bar.',
  autoStart: true,
  requires: [IMlPlatform],
  optional: [ITranslator, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    translator: ITranslator | null,
    statusBar: IStatusBar | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    statusBar?.registerStatusItem('jupyter-mlplat:status', {
      align: 'left',
      rank: 200,
      item: ReactWidget.create(
        <StatusItem
          platform={platform}
          trans={trans}
          onClick={() =>
            void app.commands.execute(CommandIDs.open, { section: 'runs' })
          }
        />
      )
    });
  }
};

function StatusItem(props: {
  platform: IMlPlatform;
  trans: TranslationBundle;
  onClick: () => void;
}): JSX.Element {
  const { connection, runs } = props.platform;
  return (
    <UseSignal signal={connection.changed}>
      {() => (
        <UseSignal signal={runs.changed}>
          {() => (
            <button
              type="button"
              className="jp-mlplat-StatusItem"
              title={props.trans.__('Show the runs of the ML platform')}
              onClick={props.onClick}
            >
              <span
                className="jp-mlplat-Dot"
                data-state={connection.state}
                aria-hidden="true"
              />
              <span role="status">{statusText(props)}</span>
            </button>
          )}
        </UseSignal>
      )}
    </UseSignal>
  );
}

function statusText(props: {
  platform: IMlPlatform;
  trans: TranslationBundle;
}): string {
  const { trans } = props;
  const { connection, runs } = props.platform;
  switch (connection.state) {
    case 'offline':
      return trans.__('ML Platform: no engine');
    case 'connecting':
      return trans.__('ML Platform: connecting');
    case 'idle':
      return trans.__('ML Platform');
    case 'live':
      return runs.activeCount === 0
        ? trans.__('ML Platform: ready')
        : trans._n(
            'ML Platform: %1 run',
            'ML Platform: %1 runs',
            runs.activeCount
          );
  }
}
