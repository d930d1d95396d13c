import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button } from '../../components/basics';
import { Trans, useTrans } from '../../components/context';
import { plusIcon } from '../../icons';
import { ModelList } from './list';
import type { ModelsModel } from './model';

const ModelDetail = React.lazy(() => import('./detail'));
const RegisterForm = React.lazy(() => import('./register-form'));

/** What the section lets a user do; each is a command. */
export interface IModelsActions {
  open: (model: string | null, version?: number) => void;
  register: (args: {
    run?: string;
    logged_as?: string;
    model?: string;
  }) => void;
  setAlias: (model: string, alias: string | null, version: number) => void;
  undoAlias: (model: string) => void;
  describe: (model: string, description: string) => void;
  download: (model: string, version: number) => void;
  deploy: (model: string, version: number) => void;
  openRun: (run: string) => void;
  goToCell: (notebook: string | null, cell: string) => void;
  connect: () => void;

  /** Menus of the same commands, below the element that opens them. */
  showModelMenu: (model: string, below: Element) => void;
  showVersionMenu: (model: string, version: number, below: Element) => void;
  showAliasMenu: (model: string, alias: string, below: Element) => void;
}

/** The body of the Models section: the list, one model, or the form that registers one. */
export class ModelsBody extends ReactWidget {
  constructor(private readonly _options: ModelsBody.IOptions) {
    super();
    this.addClass('jp-mlplat-Section');
  }

  protected render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={model.changed}>
          {() => (
            <React.Suspense
              fallback={
                <p className="jp-mlplat-Hint jp-mlplat-Models-wait">
                  {trans.__('One moment…')}
                </p>
              }
            >
              <ModelsView {...this._options} />
            </React.Suspense>
          )}
        </UseSignal>
      </Trans.Provider>
    );
  }
}

export namespace ModelsBody {
  export interface IOptions {
    model: ModelsModel;
    actions: IModelsActions;
    trans: TranslationBundle;
  }
}

function ModelsView(props: ModelsBody.IOptions): JSX.Element {
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
