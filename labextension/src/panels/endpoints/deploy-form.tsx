import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { RegisteredModel } from '../../api/types';
import { Button, EmptyState, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header } from '../../components/header';
import { Field } from '../../components/field';
import { formatAge } from '../../components/format';
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
  const names = React.useId();
  return (
    <form
      className="jp-mlplat-DeployForm"
      aria-label={trans.__('Deploy a model')}
      data-testid="mlplat-deploy-form"
      onSubmit={event => {
        event.preventDefault();
        if (model.canDeploy) {
          props.onDeploy();
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          props.onCancel();
        }
      }}
    >
      <div className="jp-mlplat-Form-row">
        <Field
          label={trans.__('Model')}
          problem={
            problems.model === 'unknown'
              ? trans.__('There is no such model.')
              : null
          }
          render={attributes => (
            <select
              {...attributes}
              className="jp-mlplat-Select"
              value={draft.model}
              disabled={model.isLoading}
              onChange={event => model.edit({ model: event.target.value })}
            >
              {!model.models.some(({ name }) => name === draft.model) && (
                <option value={draft.model}>
                  {draft.model || trans.__('Choose a model')}
                </option>
              )}
              {model.models.map(({ name }: RegisteredModel) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        />
        <Field
          label={trans.__('Version')}
          problem={
            problems.reference ? trans.__('There is no such version.') : null
          }
          render={attributes => (
            <select
              {...attributes}
              className="jp-mlplat-Select"
              value={draft.reference}
              disabled={model.choices.length === 0}
              onChange={event => model.edit({ reference: event.target.value })}
            >
              {model.version === null && (
                <option value={draft.reference}>
                  {draft.reference.slice(1) || trans.__('Latest')}
                </option>
              )}
              {model.choices.map(choice => (
                <option key={choice.reference} value={choice.reference}>
                  {choiceLabel(trans, choice)}
                </option>
              ))}
            </select>
          )}
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
      <Field
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
        render={attributes => (
          <>
            <input
              {...attributes}
              className="jp-mlplat-Input"
              type="text"
              spellCheck={false}
              autoComplete="off"
              list={names}
              placeholder={draft.model}
              value={draft.endpoint ?? ''}
              onChange={event =>
                model.edit({ endpoint: event.target.value || null })
              }
            />
            <datalist id={names}>
              {props.endpointNames.map(name => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </>
        )}
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
      {model.error !== null && <ErrorNote error={model.error} />}
      <div className="jp-mlplat-Form-actions">
        <button
          type="submit"
          className="jp-mlplat-Button jp-mod-primary"
          disabled={!model.canDeploy}
          aria-busy={model.isBusy}
        >
          <deployIcon.react tag="span" className="jp-mlplat-Button-icon" />
          <span className="jp-mlplat-Button-label">
            {existing ? trans.__('Deploy revision') : trans.__('Deploy')}
          </span>
        </button>
        <Button label={trans.__('Cancel')} onClick={props.onCancel} />
      </div>
    </form>
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
