import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
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
      <EndpointDetail
        key={model.selected.name}
        watch={model.selected}
        stats={model.stats}
        actions={actions}
        apiUrl={props.apiUrl}
      />
    );
  }
  return (
    <>
      <div className="jp-mlplat-Header">
        <div className="jp-mlplat-Header-text">
          <h2 className="jp-mlplat-Header-title">{trans.__('Endpoints')}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {model.endpoints.length === 0
              ? trans.__('None yet')
              : trans._n('%1 endpoint', '%1 endpoints', model.endpoints.length)}
          </div>
        </div>
        {model.endpoints.length > 0 && (
          <div className="jp-mlplat-Header-actions">
            <Button
              kind="primary"
              icon={deployIcon}
              label={trans.__('Deploy')}
              title={trans.__('Serve a registered model')}
              onClick={() => actions.deploy({})}
            />
          </div>
        )}
      </div>
      <EndpointList model={model} actions={actions} />
    </>
  );
}
