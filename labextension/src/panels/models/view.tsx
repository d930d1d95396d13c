import * as React from 'react';

import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header } from '../../components/header';
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
  const opened = React.useRef<string | null>(null);
  opened.current = model.selected?.name ?? opened.current;
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
      <Header
        isLive
        title={trans.__('Models')}
        facts={trans._n('%1 model', '%1 models', model.count)}
      >
        <Button
          kind="primary"
          icon={plusIcon}
          label={trans.__('Register')}
          title={trans.__('Register a model that a run has logged')}
          testId="mlplat-register"
          onClick={() => actions.register({})}
        />
      </Header>
      <ModelList model={model} actions={actions} opened={opened.current} />
    </>
  );
}
