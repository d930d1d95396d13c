import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button, Code, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header } from '../../components/header';
import { Field } from '../../components/field';
import { formatAge, formatNumber } from '../../components/format';
import { OFFERED_ALIASES } from './aliases';
import type { Registration } from './registration';

/** The form that makes a model version out of what a run logged. */
export function RegisterForm(props: {
  form: Registration;
  onRegister: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { form, onCancel } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={form.changed}>
      {() => (
        <>
          <Header
            title={trans.__('Register a model')}
            back={{ label: trans.__('Back'), onClick: onCancel }}
          />
          <div className="jp-mlplat-Section-scroll">
            <Fields {...props} />
          </div>
        </>
      )}
    </UseSignal>
  );
}

function Fields(props: {
  form: Registration;
  onRegister: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const { draft, problems, runs, logged, existing } = form;
  const chosen = logged?.find(({ name }) => name === draft.loggedAs);
  return (
    <form
      className="jp-mlplat-RegisterForm"
      aria-label={trans.__('Register a model')}
      data-testid="mlplat-register-form"
      onSubmit={event => {
        event.preventDefault();
        props.onRegister();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          props.onCancel();
        }
      }}
    >
      <Field
        label={trans.__('Run')}
        problem={
          !form.isLoading && runs.length === 0 && draft.run === null
            ? trans.__('No run has succeeded yet. Run a notebook first.')
            : null
        }
        render={attributes => (
          <select
            {...attributes}
            className="jp-mlplat-Select"
            value={draft.run ?? ''}
            disabled={form.isLoading}
            onChange={event => form.edit({ run: event.target.value })}
          >
            {!runs.some(({ id }) => id === draft.run) && (
              <option value={draft.run ?? ''}>
                {draft.run ?? trans.__('Reading runs…')}
              </option>
            )}
            {runs.map(run => (
              <option key={run.id} value={run.id}>
                {`#${run.number} ${run.pipeline} · ${formatAge(run.created_at, Date.now())}`}
              </option>
            ))}
          </select>
        )}
      />
      <Field
        label={trans.__('Logged model')}
        problem={
          logged?.length === 0 && draft.run !== null
            ? trans.__(
                'This run logged no model. Choose another, or log one with mlplat.log_model(model, "name").'
              )
            : null
        }
        render={attributes => (
          <select
            {...attributes}
            className="jp-mlplat-Select"
            value={draft.loggedAs ?? ''}
            disabled={!logged?.length}
            onChange={event => form.edit({ loggedAs: event.target.value })}
          >
            {draft.loggedAs === null && (
              <option value="">
                {logged === null ? trans.__('Reading…') : trans.__('None')}
              </option>
            )}
            {logged?.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      />
      {chosen && (
        <p className="jp-mlplat-Hint" data-testid="mlplat-logged-facts">
          {factsOf(chosen.metadata).map((fact, index) => (
            <React.Fragment key={index}>
              {index > 0 && ' '}
              <Code>{fact}</Code>
            </React.Fragment>
          ))}
        </p>
      )}
      <Field
        label={trans.__('Name')}
        problem={
          draft.model !== '' && problems.model
            ? trans.__(
                'Use small letters, digits, dots and dashes, at most 63 of them.'
              )
            : null
        }
        help={
          existing
            ? trans.__(
                'Exists: this becomes version %1 or later.',
                (existing.latest_version ?? 0) + 1
              )
            : trans.__('New: this becomes its first version.')
        }
        render={attributes => (
          <input
            {...attributes}
            className="jp-mlplat-Input"
            type="text"
            spellCheck={false}
            autoComplete="off"
            value={draft.model}
            onChange={event => form.edit({ model: event.target.value })}
          />
        )}
      />
      <Field
        label={trans.__('Description of this version')}
        render={attributes => (
          <textarea
            {...attributes}
            className="jp-mlplat-Input jp-mlplat-TextArea"
            rows={3}
            value={draft.description}
            onChange={event => form.edit({ description: event.target.value })}
          />
        )}
      />
      <Aliases form={form} />
      {form.error !== null && <ErrorNote error={form.error} />}
      <div className="jp-mlplat-Form-actions">
        <Button
          kind="primary"
          label={trans.__('Register')}
          isDisabled={!form.canRegister}
          isBusy={form.isBusy}
          testId="mlplat-register-submit"
          onClick={props.onRegister}
        />
        <Button label={trans.__('Cancel')} onClick={props.onCancel} />
      </div>
    </form>
  );
}

/** The usual aliases to tick, and others by name. */
function Aliases(props: { form: Registration }): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const { aliases } = form.draft;
  const offered: readonly string[] = OFFERED_ALIASES;
  const [others, setOthers] = React.useState(() =>
    aliases.filter(alias => !offered.includes(alias)).join(' ')
  );
  const edit = (ticked: readonly string[], text: string) => {
    setOthers(text);
    const named = text.split(/[\s,]+/).filter(Boolean);
    form.edit({ aliases: [...ticked, ...named] });
  };
  const ticked = aliases.filter(alias => offered.includes(alias));
  return (
    <fieldset className="jp-mlplat-RegisterForm-aliases">
      <legend className="jp-mlplat-Field-label">{trans.__('Aliases')}</legend>
      {OFFERED_ALIASES.map(alias => {
        const at = form.existing?.aliases[alias];
        return (
          <label key={alias} className="jp-mlplat-Check">
            <input
              type="checkbox"
              checked={ticked.includes(alias)}
              onChange={event =>
                edit(
                  event.target.checked
                    ? [...ticked, alias]
                    : ticked.filter(other => other !== alias),
                  others
                )
              }
            />
            <span>
              {alias}
              {at !== undefined && (
                <span className="jp-mlplat-Quiet">
                  {' '}
                  {trans.__('now version %1', at)}
                </span>
              )}
            </span>
          </label>
        );
      })}
      <Field
        label={trans.__('Others')}
        problem={
          form.problems.aliases
            ? trans.__(
                'An alias begins with a small letter and goes on with letters, digits, dashes.'
              )
            : null
        }
        render={attributes => (
          <input
            {...attributes}
            className="jp-mlplat-Input"
            type="text"
            spellCheck={false}
            autoComplete="off"
            placeholder={trans.__('such as staging')}
            value={others}
            onChange={event => edit(ticked, event.target.value)}
          />
        )}
      />
    </fieldset>
  );
}

/** What a logged model says of itself: its format and its metrics. */
function factsOf(metadata: Record<string, unknown>): string[] {
  const metrics = Object.entries(
    (metadata.metrics ?? {}) as Record<string, unknown>
  ).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${formatNumber(value)}`] : []
  );
  return [String(metadata.format ?? ''), ...metrics.slice(0, 4)].filter(
    Boolean
  );
}
