import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { deployIcon } from '../../icons';
import type { EndpointsBody } from './body';
import { DeployForm } from './deploy-form';
import EndpointDetail from './detail';
import { EndpointList } from './list';
import '../../../style/runs.css';
import '../../../style/endpoints.css';

/** The section: all endpoints, one of them, or the form for a deployment. Loaded late: see `body.tsx`. */
export default function EndpointsView(
  props: EndpointsBody.IOptions
): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const opened = React.useRef<string | null>(null);
  opened.current = model.selected?.name ?? opened.current;
  if (model.deployment) {
    return (
      <DeployForm
        model={model.deployment}
        endpointNames={model.endpoints.map(({ name }) => name)}
        onDeploy={() => void model.deploy()}
        onCancel={() => model.compose(null)}
        onShowModels={actions.showModels}
      />
    );
  }
  if (model.selected) {
    return (
      <Opened onBack={() => actions.open(null)}>
        <EndpointDetail
          key={model.selected.name}
          watch={model.selected}
          stats={model.stats}
          actions={actions}
          apiUrl={props.apiUrl}
        />
      </Opened>
    );
  }
  return (
    <>
      <Header
        isLive
        title={trans.__('Endpoints')}
        facts={
          model.endpoints.length === 0
            ? trans.__('None yet')
            : trans._n('%1 endpoint', '%1 endpoints', model.endpoints.length)
        }
      >
        {model.endpoints.length > 0 && (
          <Button
            kind="primary"
            icon={deployIcon}
            label={trans.__('Deploy')}
            title={trans.__('Serve a registered model')}
            onClick={() => actions.deploy({})}
          />
        )}
      </Header>
      <EndpointList model={model} actions={actions} opened={opened.current} />
    </>
  );
}
