import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { playIcon } from '../../icons';
import type { RunsBody } from './body';
import RunList from './list';
import '../../../style/runs.css';
import '../../../style/run-list.css';

const RunDetail = React.lazy(() => import('./detail'));

/** The list of runs, or one of them. */
export default function RunsView(props: RunsBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  if (model.detail) {
    return (
      <React.Suspense
        fallback={
          <p className="jp-mlplat-Hint jp-mlplat-Wait">
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
      <RunList model={model} actions={actions} />
    </>
  );
}
