import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Code } from '../../components/basics';
import { useTrans } from '../../components/context';
import { SelectField, TextField, withValue } from '../../components/field';
import { Form } from '../../components/form';
import { formatAge, formatNumber } from '../../components/format';
import { Header } from '../../components/header';
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
    <Form
      label={trans.__('Register a model')}
      testId="mlplat-register-form"
      submit={{
        label: trans.__('Register'),
        canSubmit: form.canRegister,
        isBusy: form.isBusy
      }}
      error={form.error}
      onSubmit={props.onRegister}
      onCancel={props.onCancel}
    >
      <SelectField
        label={trans.__('Run')}
        problem={
          !form.isLoading && runs.length === 0 && draft.run === null
            ? trans.__('No run has succeeded yet. Run a notebook first.')
            : null
        }
        value={draft.run ?? ''}
        isDisabled={form.isLoading}
        choices={withValue(
          runs.map(run => [
            run.id,
            `#${run.number} ${run.pipeline} · ${formatAge(run.created_at, Date.now())}`
          ]),
          draft.run ?? '',
          draft.run ?? trans.__('Reading runs…')
        )}
        onChange={run => form.edit({ run })}
      />
      <SelectField
        label={trans.__('Logged model')}
        problem={
          logged?.length === 0 && draft.run !== null
            ? trans.__(
                'This run logged no model. Choose another, or log one with mlplat.log_model(model, "name").'
              )
            : null
        }
        value={draft.loggedAs ?? ''}
        isDisabled={!logged?.length}
        choices={withValue(
          (logged ?? []).map(({ name }) => [name, name]),
          draft.loggedAs ?? '',
          draft.loggedAs ??
            (logged === null ? trans.__('Reading…') : trans.__('None'))
        )}
        onChange={loggedAs => form.edit({ loggedAs })}
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
      <TextField
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
        value={draft.model}
        onChange={model => form.edit({ model })}
      />
      <TextField
        label={trans.__('Description of this version')}
        rows={3}
        value={draft.description}
        onChange={description => form.edit({ description })}
      />
      <Aliases form={form} />
    </Form>
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
      <TextField
        label={trans.__('Others')}
        problem={
          form.problems.aliases
            ? trans.__(
                'An alias begins with a small letter and goes on with letters, digits, dashes.'
              )
            : null
        }
        placeholder={trans.__('such as staging')}
        value={others}
        onChange={text => edit(ticked, text)}
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
