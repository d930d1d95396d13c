import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { plusIcon } from '../../icons';
import type { ModelsBody } from './body';
import { ModelDetail } from './detail';
import { ModelList } from './list';
import { RegisterForm } from './register-form';
import '../../../style/models.css';

/** The list of models, one of them, or the form that registers another. */
export default function ModelsView(props: ModelsBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  if (model.registration) {
    return (
      <RegisterForm
        form={model.registration}
        onRegister={() =>
          void model.registration?.submit(request => model.register(request))
        }
        onCancel={() => model.compose(null)}
      />
    );
  }
  if (model.selected) {
    return (
      <ModelDetail
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
          <h2 className="jp-mlplat-Header-title">{trans.__('Models')}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {trans._n('%1 model', '%1 models', model.count)}
          </div>
        </div>
        <div className="jp-mlplat-Header-actions">
          <Button
            kind="primary"
            icon={plusIcon}
            label={trans.__('Register')}
            title={trans.__('Register a model that a run has logged')}
            testId="mlplat-register"
            onClick={() => actions.register({})}
          />
        </div>
      </div>
      <ModelList model={model} actions={actions} />
    </>
  );
}
