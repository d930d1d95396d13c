import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Button, EmptyState } from '../../components/basics';
import { useTrans } from '../../components/context';
import {
  Field,
  SelectField,
  TextField,
  withValue
} from '../../components/field';
import { Form } from '../../components/form';
import { formatAge } from '../../components/format';
import { Header } from '../../components/header';
import { deployIcon } from '../../icons';
import type { DeployModel, IVersionChoice } from './deploy-model';
import { percentOf } from './split';

/** The form that serves a model version: as a new endpoint, or as a new revision of one. */
export function DeployForm(props: {
  model: DeployModel;
  endpointNames: readonly string[];
  onDeploy: () => void;
  onCancel: () => void;
  onShowModels: () => void;
}): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={model.changed}>
      {() => (
        <>
          <Header
            title={trans.__('Deploy a model')}
            back={{
              label: trans.__('Back to all endpoints'),
              onClick: props.onCancel
            }}
          />
          <div className="jp-mlplat-Section-scroll">
            {!model.isLoading &&
            model.error === null &&
            model.models.length === 0 ? (
              <EmptyState icon={deployIcon} title={trans.__('No models yet')}>
                <p>
                  {trans.__(
                    'Log a model in a cell with mlplat.log_model(…), run the notebook and register what it made. Then it can be served.'
                  )}
                </p>
                <Button
                  label={trans.__('Show models')}
                  onClick={props.onShowModels}
                />
              </EmptyState>
            ) : (
              <Fields {...props} />
            )}
          </div>
        </>
      )}
    </UseSignal>
  );
}

function Fields(props: {
  model: DeployModel;
  endpointNames: readonly string[];
  onDeploy: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  const { draft, problems, existing } = model;
  return (
    <Form
      label={trans.__('Deploy a model')}
      testId="mlplat-deploy-form"
      submit={{
        label: existing ? trans.__('Deploy revision') : trans.__('Deploy'),
        icon: deployIcon,
        canSubmit: model.canDeploy,
        isBusy: model.isBusy
      }}
      error={model.error}
      onSubmit={props.onDeploy}
      onCancel={props.onCancel}
    >
      <div className="jp-mlplat-Form-row">
        <SelectField
          label={trans.__('Model')}
          problem={
            problems.model === 'unknown'
              ? trans.__('There is no such model.')
              : null
          }
          value={draft.model}
          isDisabled={model.isLoading}
          choices={withValue(
            model.models.map(({ name }) => [name, name]),
            draft.model,
            draft.model || trans.__('Choose a model')
          )}
          onChange={name => model.edit({ model: name })}
        />
        <SelectField
          label={trans.__('Version')}
          problem={
            problems.reference ? trans.__('There is no such version.') : null
          }
          value={draft.reference}
          isDisabled={model.choices.length === 0}
          choices={withValue(
            model.choices.map(choice => [
              choice.reference,
              choiceLabel(trans, choice)
            ]),
            draft.reference,
            draft.reference.slice(1) || trans.__('Latest')
          )}
          onChange={reference => model.edit({ reference })}
        />
      </div>
      {model.version && (
        <p className="jp-mlplat-Hint">
          {trans.__(
            'Version %1, kept as %2, registered %3',
            model.version.version,
            model.version.format,
            formatAge(model.version.created_at, Date.now())
          )}
        </p>
      )}
      <TextField
        label={trans.__('Endpoint')}
        problem={
          problems.endpoint
            ? trans.__(
                'Use lower-case letters, digits, dots and dashes; at most 63.'
              )
            : null
        }
        help={
          existing
            ? trans.__('Exists: the model becomes its next revision.')
            : trans.__('New: it gets a URL of its own on this machine.')
        }
        suggestions={props.endpointNames}
        placeholder={draft.model}
        value={draft.endpoint ?? ''}
        onChange={name => model.edit({ endpoint: name || null })}
      />
      {model.isShared ? (
        <Field
          label={trans.__('Traffic for the new revision')}
          help={trans.__(
            '%1 % to the new revision once it is ready, %2 % to those that serve now.',
            model.traffic,
            100 - model.traffic
          )}
          render={attributes => (
            <div className="jp-mlplat-Share">
              <input
                {...attributes}
                className="jp-mlplat-Slider"
                type="range"
                min={0}
                max={100}
                value={model.traffic}
                aria-valuetext={trans.__('%1 percent', model.traffic)}
                onChange={event =>
                  model.edit({ traffic: Number(event.target.value) })
                }
              />
              <input
                className="jp-mlplat-Input jp-mlplat-Share-number"
                type="number"
                min={0}
                max={100}
                step={1}
                aria-label={trans.__('Percent for the new revision')}
                value={model.traffic}
                onChange={event =>
                  model.edit({ traffic: percentOf(event.target.value) })
                }
              />
              <span aria-hidden="true">%</span>
            </div>
          )}
        />
      ) : (
        <p className="jp-mlplat-Hint">
          {trans.__('It gets all traffic as soon as it is ready.')}
        </p>
      )}
      {model.runsCode && (
        <label className="jp-mlplat-Check jp-mlplat-DeployForm-trust">
          <input
            type="checkbox"
            checked={draft.isTrusted}
            onChange={event => model.edit({ isTrusted: event.target.checked })}
          />
          <span>
            {trans.__(
              'Run the code in this model. It is kept as %1, and loading it runs what is inside: only if you trust where it came from.',
              model.version?.format ?? ''
            )}
          </span>
        </label>
      )}
    </Form>
  );
}

function choiceLabel(trans: TranslationBundle, choice: IVersionChoice): string {
  const { reference, version } = choice;
  if (reference === '') {
    return trans.__('Latest (v%1)', version.version);
  }
  return reference.startsWith('@')
    ? trans.__('%1 (v%2)', reference.slice(1), version.version)
    : trans.__('Version %1', version.version);
}
