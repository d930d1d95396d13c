import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Step } from '../../api/types';
import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { check, formOf } from '../../notebook/settings';
import type { FormProblem, IStepForm } from '../../notebook/settings';

/** The settings of a step; applied, they become cell metadata. */
export function StepForm(props: {
  step: Step;
  taken: ReadonlySet<string>;
  onApply: (form: IStepForm) => void;
}): JSX.Element {
  const { step } = props;
  const trans = useTrans();
  const stored = React.useMemo(
    () => formOf(step.name, step.settings),
    [step.name, step.settings]
  );
  const [form, setForm] = React.useState(stored);
  const storedKey = JSON.stringify(stored);
  React.useEffect(() => {
    setForm(JSON.parse(storedKey) as IStepForm);
  }, [storedKey]);
  const problems = check(form, props.taken);
  const isChanged = JSON.stringify(form) !== storedKey;
  const isValid = Object.keys(problems).length === 0;

  const textField = (
    field: Exclude<keyof IStepForm, 'cache'>,
    label: string,
    placeholder?: string
  ) => (
    <Field
      label={label}
      problem={problems[field] && problemText(trans, problems[field])}
      render={attributes => (
        <input
          {...attributes}
          className="jp-mlplat-Input"
          type="text"
          spellCheck={false}
          value={form[field]}
          placeholder={placeholder}
          onChange={event => {
            const { value } = event.target;
            setForm(now => ({ ...now, [field]: value }));
          }}
        />
      )}
    />
  );

  return (
    <form
      className="jp-mlplat-StepForm"
      aria-label={trans.__('Settings of step %1', step.name)}
      onSubmit={event => {
        event.preventDefault();
        if (isChanged && isValid) {
          props.onApply(form);
        }
      }}
    >
      {textField('name', trans.__('Name'))}
      <div className="jp-mlplat-Form-row">
        {textField('cpu', trans.__('CPU cores'))}
        {textField('memory', trans.__('Memory'), trans.__('none'))}
        {textField('gpu', trans.__('GPUs'))}
      </div>
      <div className="jp-mlplat-Form-row">
        {textField('retries', trans.__('Retries'))}
        {textField('timeout', trans.__('Timeout (s)'), trans.__('none'))}
      </div>
      <label className="jp-mlplat-Check">
        <input
          type="checkbox"
          checked={form.cache}
          onChange={event => {
            const { checked } = event.target;
            setForm(now => ({ ...now, cache: checked }));
          }}
        />
        {trans.__('Reuse the result while code and inputs are the same')}
      </label>
      {isChanged && (
        <div className="jp-mlplat-Form-actions">
          <button
            type="submit"
            className="jp-mlplat-Button jp-mod-primary"
            disabled={!isValid}
          >
            <span className="jp-mlplat-Button-label">{trans.__('Apply')}</span>
          </button>
          <Button label={trans.__('Undo')} onClick={() => setForm(stored)} />
        </div>
      )}
    </form>
  );
}

function problemText(trans: TranslationBundle, problem: FormProblem): string {
  switch (problem) {
    case 'bad-name':
      return trans.__(
        'Use lower-case letters, digits, dots and dashes; at most 63.'
      );
    case 'name-taken':
      return trans.__('Another step has this name.');
    case 'not-positive':
      return trans.__('Give a number above 0.');
    case 'not-a-count':
      return trans.__('Give a whole number from 0.');
    case 'not-a-size':
      return trans.__('Give a size such as 512Mi or 2Gi.');
  }
}
