import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { Button } from '../../components/basics';
import { Trans, useTrans } from '../../components/context';
import { playIcon } from '../../icons';
import type { IRunDetailActions } from './detail-actions';
import type { RunsModel } from './model';

const RunDetail = React.lazy(() => import('./detail'));
const RunList = React.lazy(() => import('./list'));

/** What the section lets a user do; each is a command. */
export interface IRunsActions extends Omit<IRunDetailActions, 'openRun'> {
  openRun: (run: string | null) => void;
  showStep: (run: string, step: string | null) => void;
  deleteMany: (runs: readonly string[]) => void;
  compare: (runs: readonly string[]) => void;
  chooseRuns: (isChoosing: boolean) => void;
  connect: () => void;
  runNotebook: () => void;
}

/** The body of the Runs section: the list, or one run. */
export class RunsBody extends ReactWidget {
  constructor(private readonly _options: RunsBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  protected render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={model.changed}>
          {() => <RunsView {...this._options} />}
        </UseSignal>
      </Trans.Provider>
    );
  }
}

export namespace RunsBody {
  export interface IOptions {
    model: RunsModel;
    actions: IRunsActions;
    rendermime: IRenderMimeRegistry;
    trans: TranslationBundle;

    /** Whether there is a notebook that could be run now. */
    canRun: () => boolean;

    /** Emitted when that may have changed. */
    commandChanged: CommandRegistry['commandChanged'];
  }
}

function RunsView(props: RunsBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  if (model.detail) {
    return (
      <React.Suspense
        fallback={
          <p className="jp-mlplat-Hint jp-mlplat-RunView-hint">
            {trans.__('Reading the run…')}
          </p>
        }
      >
        <RunDetail
          key={model.detail.id}
          detail={model.detail}
          actions={actions}
          rendermime={props.rendermime}
        />
      </React.Suspense>
    );
  }
  return (
    <>
      <div className="jp-mlplat-Header">
        <div className="jp-mlplat-Header-text">
          <h2 className="jp-mlplat-Header-title">{trans.__('Runs')}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {model.activeCount > 0
              ? trans._n('%1 running', '%1 running', model.activeCount)
              : trans.__('None running')}
          </div>
        </div>
        <div className="jp-mlplat-Header-actions">
          <UseSignal signal={props.commandChanged}>
            {() => (
              <Button
                kind="primary"
                icon={playIcon}
                label={trans.__('Run notebook')}
                title={trans.__('Save the active notebook and run it')}
                isDisabled={!props.canRun()}
                onClick={actions.runNotebook}
              />
            )}
          </UseSignal>
        </div>
      </div>
      <React.Suspense fallback={null}>
        <RunList model={model} actions={actions} />
      </React.Suspense>
    </>
  );
}
