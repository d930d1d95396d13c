import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header } from '../../components/header';
import { late } from '../../components/late';
import { playIcon } from '../../icons';
import type { RunsBody } from './body';
import RunList from './list';
import '../../../style/runs.css';
import '../../../style/run-list.css';

const RunDetail = late(() => import('./detail'));

/** The list of runs, or one of them. */
export default function RunsView(props: RunsBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const opened = React.useRef<string | null>(null);
  opened.current = model.detail?.id ?? opened.current;
  if (model.detail) {
    return (
      <RunDetail
        key={model.detail.id}
        detail={model.detail}
        actions={actions}
        rendermime={props.rendermime}
      />
    );
  }
  return (
    <>
      <Header
        isLive
        title={trans.__('Runs')}
        facts={
          model.activeCount > 0
            ? trans._n('%1 running', '%1 running', model.activeCount)
            : trans.__('None running')
        }
      >
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
      </Header>
      <RunList model={model} actions={actions} opened={opened.current} />
    </>
  );
}
