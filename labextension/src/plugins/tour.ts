import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { DOMAIN } from '../components/context';
import { platformIcon } from '../icons';
import { TourCard } from '../panels/tour/card';
import { TourModel } from '../panels/tour/model';
import type { ITourState, ITourStore, TourStep } from '../panels/tour/model';
import { IMlPlatform, IMlPlatformPanel } from '../tokens';

/** A guided first run for a new user, inside the panel. */
export const tourPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlplat:tour',
  description: 'Guides a new user through a first run.',
  autoStart: true,
  requires: [IMlPlatform, IMlPlatformPanel],
  optional: [ITranslator, ICommandPalette, IStateDB, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    platform: IMlPlatform,
    panel: IMlPlatformPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    settings: ISettingRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const { connection, pipeline, runs } = platform;
    const model = new TourModel(
      { pipeline, runs, panel },
      Private.storeIn(state)
    );
    const showTarget = (step: TourStep) => {
      const { section, selector } = TARGETS[step];
      if (section) {
        panel.choose(section);
      }
      Private.whenDrawn(panel.node, selector, target => {
        target.scrollIntoView({ block: 'nearest' });
        target.focus();
      });
    };
    panel.addBanner(
      new TourCard(
        model,
        {
          openExample: () => void commands.execute(CommandIDs.newFromExample),
          showTarget,
          end: () => model.end()
        },
        trans
      )
    );
    // The style sheet draws the ring around the control that the step is about.
    model.changed.connect(() => {
      panel.node.dataset.tour = (model.isShown && model.step) || '';
    });

    commands.addCommand(CommandIDs.tour, {
      label: trans.__('Guided First Run'),
      caption: trans.__('Be shown the way from a notebook to a finished run'),
      icon: platformIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        model.start();
        return commands.execute(CommandIDs.open);
      }
    });
    palette?.addItem({
      command: CommandIDs.tour,
      category: trans.__('ML Platform')
    });

    /** Somebody who has run something knows the way. */
    const isNew = async () => {
      const page = await connection.client.listRuns({ limit: 1 });
      return page.runs.length === 0;
    };
    const offer = async () => {
      await app.restored;
      const loaded = await settings?.load('jupyter-mlplat:panel');
      if (loaded?.get('firstRun').composite !== false) {
        await model.resume(isNew);
      }
    };
    const onReset = () => {
      connection.reset.disconnect(onReset);
      // What cannot be asked now is asked by the panel itself, and told there.
      offer().catch(() => undefined);
    };
    connection.reset.connect(onReset);
  }
};

/** Where each step's control lies; `style/tour.css` rings the same ones. */
const TARGETS: Record<TourStep, { section?: string; selector: string }> = {
  open: { selector: '.jp-mlplat-Tour button' },
  steps: { section: 'pipeline', selector: '.jp-mlplat-Graph [role=option]' },
  run: { section: 'pipeline', selector: '[data-testid=mlplat-run]' },
  outputs: {
    section: 'pipeline',
    selector: '[data-testid=mlplat-latest-run] button'
  },
  models: { selector: '[data-section=models]' },
  lineage: { selector: '[data-section=lineage]' }
};

namespace Private {
  const KEY = 'jupyter-mlplat:tour';
  const PATIENCE_MS = 5000;

  /** Act on the first element of a selector as soon as its section has drawn it; on none if it never does. */
  export function whenDrawn(
    node: HTMLElement,
    selector: string,
    act: (target: HTMLElement) => void
  ): void {
    const until = performance.now() + PATIENCE_MS;
    const look = () => {
      const target = node.querySelector<HTMLElement>(selector);
      if (target) {
        act(target);
      } else if (performance.now() < until) {
        requestAnimationFrame(look);
      }
    };
    requestAnimationFrame(look);
  }

  /** The state of a workspace; without it the tour is not remembered. */
  export function storeIn(state: IStateDB | null): ITourStore {
    return {
      load: async () =>
        ((await state?.fetch(KEY)) ?? null) as Partial<ITourState> | null,
      save: ({ step, isOver }) => void state?.save(KEY, { step, isOver })
    };
  }
}
