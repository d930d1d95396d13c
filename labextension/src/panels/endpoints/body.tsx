import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button } from '../../components/basics';
import { Trans, useTrans } from '../../components/context';
import { deployIcon } from '../../icons';
import { DeployForm } from './deploy-form';
import { EndpointDetail } from './detail';
import { EndpointList } from './list';
import type { EndpointsModel } from './model';

/** What the section lets a user do; each is a command. */
export interface IEndpointsActions {
  open: (endpoint: string | null) => void;
  deploy: (args: { model?: string; endpoint?: string }) => void;
  connect: () => void;
  showModels: () => void;
}

/** The body of the Endpoints section: the list, one endpoint, or the form for a deployment. */
export class EndpointsBody extends ReactWidget {
  constructor(private readonly _options: EndpointsBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  protected render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={model.changed}>
          {() => <EndpointsView {...this._options} />}
        </UseSignal>
      </Trans.Provider>
    );
  }
}

export namespace EndpointsBody {
  export interface IOptions {
    model: EndpointsModel;
    actions: IEndpointsActions;
    trans: TranslationBundle;
  }
}

function EndpointsView(props: EndpointsBody.IOptions): JSX.Element {
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
        actions={actions}
      />
    );
  }
  return (
    <>
      <div className="jp-mlplat-Header">
        <div className="jp-mlplat-Header-text">
          <h2 className="jp-mlplat-Header-title">{trans.__('Endpoints')}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {trans._n('%1 endpoint', '%1 endpoints', model.endpoints.length)}
          </div>
        </div>
        <div className="jp-mlplat-Header-actions">
          <Button
            kind="primary"
            icon={deployIcon}
            label={trans.__('Deploy')}
            title={trans.__('Serve a registered model')}
            onClick={() => actions.deploy({})}
          />
        </div>
      </div>
      <EndpointList model={model} actions={actions} />
    </>
  );
}
