import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { plusIcon } from '../../icons';
import type { ServersBody } from './body';
import { ServerDetail } from './detail';
import { keyOf } from './facts';
import { ServerFormView } from './form';
import { ServerList } from './list';
import type { ServersModel } from './model';

import '../../../style/runs.css';
import '../../../style/servers.css';

/** The section: all servers, one of them, or the form for a new one. Loaded late: see `body.tsx`. */
export default function ServersView(props: ServersBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const opened = React.useRef<string | null>(null);
  opened.current = model.selected ? keyOf(model.selected) : opened.current;
  if (model.form) {
    return (
      <ServerFormView
        form={model.form}
        onCreate={() => void model.create()}
        onCancel={() => model.putFormAway()}
      />
    );
  }
  if (model.selected) {
    return (
      <Opened onBack={() => actions.open(null)}>
        <ServerDetail
          key={keyOf(model.selected)}
          server={model.selected}
          model={model}
          actions={actions}
        />
      </Opened>
    );
  }
  const hasCluster = (model.clusters ?? []).length > 0;
  return (
    <>
      <Header
        isLive
        title={trans.__('Servers')}
        facts={<Facts model={model} />}
      >
        {hasCluster && model.servers.length > 0 && (
          <Button
            kind="primary"
            icon={plusIcon}
            label={trans.__('New')}
            title={trans.__('Start a notebook server on a cluster')}
            onClick={actions.create}
          />
        )}
      </Header>
      <ServerList model={model} actions={actions} opened={opened.current} />
    </>
  );
}

/** How many there are, and how many of them run. */
function Facts(props: { model: ServersModel }): JSX.Element {
  const { servers, clusters } = props.model;
  const trans = useTrans();
  if (servers.length === 0) {
    return (
      <>
        {clusters !== null && clusters.length === 0
          ? trans.__('Only this machine')
          : trans.__('None yet')}
      </>
    );
  }
  const running = servers.filter(({ state }) => state === 'RUNNING').length;
  return (
    <>
      {trans._n('%1 server', '%1 servers', servers.length)} ·{' '}
      {trans.__('%1 running', running)}
    </>
  );
}
