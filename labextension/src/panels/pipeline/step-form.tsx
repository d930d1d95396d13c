import { JSONExt } from '@lumino/coreutils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import * as React from 'react';

import { STEP_SETTINGS_SCHEMA } from '../../api/schemas';
import type { Step } from '../../api/types';
import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { settingsOf, withoutEmpty } from '../../notebook/step-settings';
import type { SettingsData } from '../../notebook/step-settings';

const SchemaForm = React.lazy(() => import('../../components/schema-form'));

/** The settings of a step, made from their schema; applied, they become cell metadata. */
export function StepForm(props: {
  step: Step;
  taken: ReadonlySet<string>;
  onApply: (settings: SettingsData) => void;
}): JSX.Element {
  const { step, taken } = props;
  const trans = useTrans();
  const id = React.useId();
  const storedKey = JSON.stringify(settingsOf(step));
  const stored = React.useMemo(
    () => JSON.parse(storedKey) as ReadonlyJSONObject,
    [storedKey]
  );
  const [data, setData] = React.useState(stored);
  const [isValid, setIsValid] = React.useState(true);
  React.useEffect(() => {
    setData(stored);
    setIsValid(true);
  }, [stored]);
  const isChanged = !JSONExt.deepEqual(data, stored);
  const ui = React.useMemo(
    () => ({
      step: { 'ui:title': trans.__('Name'), 'ui:description': ' ' },
      cpu: { 'ui:title': trans.__('CPU cores'), 'ui:description': ' ' },
      memory: {
        'ui:title': trans.__('Memory'),
        'ui:placeholder': trans.__('none'),
        'ui:description': ' '
      },
      gpu: { 'ui:title': trans.__('GPUs'), 'ui:description': ' ' },
      cache: {
        'ui:title': trans.__(
          'Reuse the result while code and inputs are the same'
        ),
        'ui:description': ' '
      },
      retries: { 'ui:title': trans.__('Retries'), 'ui:description': ' ' },
      backoff_s: {
        'ui:title': trans.__('Retry wait (s)'),
        'ui:description': ' '
      },
      timeout: {
        'ui:title': trans.__('Timeout (s)'),
        'ui:placeholder': trans.__('none')
      },
      kernel: {
        'ui:title': trans.__('Kernel'),
        'ui:placeholder': trans.__("the notebook's")
      },
      python: {
        'ui:title': trans.__('Python'),
        'ui:placeholder': trans.__("the kernel's")
      },
      env: {
        'ui:field': 'pairs',
        'ui:title': trans.__('Environment variables'),
        'ui:description': ' '
      },
      metrics: {
        'ui:field': 'names',
        'ui:title': trans.__('Metrics'),
        'ui:placeholder': trans.__('accuracy, loss'),
        'ui:description': trans.__(
          'Names of numbers that are metrics of the run.'
        )
      }
    }),
    [trans]
  );
  const problems: Record<string, string> = taken.has(String(data.step))
    ? { step: trans.__('Another step has this name.') }
    : {};
  const isFine = isValid && Object.keys(problems).length === 0;
  return (
    <form
      className="jp-mlplat-StepForm"
      aria-label={trans.__('Settings of step %1', step.name)}
      onSubmit={event => {
        event.preventDefault();
        if (isChanged && isFine) {
          props.onApply(data as SettingsData);
        }
      }}
    >
      <React.Suspense
        fallback={
          <p className="jp-mlplat-Hint">{trans.__('Reading the settings…')}</p>
        }
      >
        <SchemaForm
          schema={STEP_SETTINGS_SCHEMA as ReadonlyJSONObject}
          ui={ui}
          idPrefix={`mlplat${id.replace(/\W/g, '')}`}
          data={data}
          problems={problems}
          explain={(property, error) => {
            if (property === 'env') {
              return trans.__(
                'Names have letters, digits and _, and begin with no digit.'
              );
            }
            if (error.name !== 'pattern') {
              return null;
            }
            return property === 'memory'
              ? trans.__('Give a size such as 512Mi or 2Gi.')
              : trans.__(
                  'Use lower-case letters, digits, dots and dashes; at most 63.'
                );
          }}
          onChange={(next, isNextValid) => {
            setData(withoutEmpty(next as SettingsData));
            setIsValid(isNextValid);
          }}
        />
      </React.Suspense>
      {isChanged && (
        <div className="jp-mlplat-Form-actions">
          <button
            type="submit"
            className="jp-mlplat-Button jp-mod-primary"
            disabled={!isFine}
          >
            <span className="jp-mlplat-Button-label">{trans.__('Apply')}</span>
          </button>
          <Button
            label={trans.__('Undo')}
            onClick={() => {
              setData(stored);
              setIsValid(true);
            }}
          />
        </div>
      )}
    </form>
  );
}
