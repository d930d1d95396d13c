import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Parameter } from '../../api/types';
import { IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { retryIcon } from '../../icons';
import { dataOf, schemaOf, textsBetween } from './parameters';
import type { ParameterProblem } from './parameters';

const SchemaForm = React.lazy(() => import('../../components/schema-form'));

/** The values of the next run, typed as the notebook's parameters cell says. */
export function ParameterForm(props: {
  parameters: readonly Parameter[];
  texts: ReadonlyMap<string, string>;
  problems: ReadonlyMap<string, ParameterProblem>;
  onChange: (name: string, text: string | null) => void;
}): JSX.Element {
  const { parameters, texts } = props;
  const trans = useTrans();
  const id = React.useId();
  const schema = React.useMemo(() => schemaOf(parameters), [parameters]);
  const ui = React.useMemo(() => uiOf(trans, parameters), [trans, parameters]);
  const data = dataOf(parameters, texts);
  const problems = Object.fromEntries(
    [...props.problems].map(([name, problem]) => [
      name,
      problemText(trans, problem)
    ])
  );
  return (
    <div className="jp-mlplat-ParameterForm">
      <React.Suspense
        fallback={<p className="jp-mlplat-Hint">{trans.__('One moment…')}</p>}
      >
        <SchemaForm
          schema={schema}
          ui={ui}
          idPrefix={`mlplat${id.replace(/\W/g, '')}`}
          data={data}
          problems={problems}
          explain={name => problems[name] ?? null}
          beside={name => (
            <Beside
              parameter={parameters.find(parameter => parameter.name === name)}
              isChanged={texts.has(name)}
              onReset={() => props.onChange(name, null)}
            />
          )}
          onChange={next => {
            for (const [name, text] of textsBetween(parameters, data, next)) {
              props.onChange(name, text);
            }
          }}
        />
      </React.Suspense>
    </div>
  );
}

/** The type of a parameter, and the way back to the notebook's own value. */
function Beside(props: {
  parameter: Parameter | undefined;
  isChanged: boolean;
  onReset: () => void;
}): JSX.Element | null {
  const { parameter } = props;
  const trans = useTrans();
  return parameter ? (
    <span className="jp-mlplat-Parameter-beside">
      {props.isChanged && !parameter.is_required && (
        <IconButton
          icon={retryIcon}
          label={trans.__("Back to the notebook's value")}
          onClick={props.onReset}
        />
      )}
      <span className="jp-mlplat-Parameter-type">
        {parameter.is_required
          ? trans.__('%1, needed', parameter.type)
          : parameter.type}
      </span>
    </span>
  ) : null;
}

function uiOf(
  trans: TranslationBundle,
  parameters: readonly Parameter[]
): Record<string, Record<string, unknown>> {
  const fields = parameters.map(({ name, type, choices }) => [
    name,
    choices.length > 0
      ? {}
      : type === 'list' || type === 'dict'
        ? {
            'ui:widget': 'textarea',
            'ui:options': { rows: 2 },
            'ui:emptyValue': '',
            'ui:placeholder':
              type === 'list' ? trans.__('[1, 2]') : trans.__('{"a": 1}')
          }
        : type === 'str' || type === 'any' || type === 'none'
          ? { 'ui:emptyValue': '' }
          : {}
  ]);
  return Object.fromEntries(fields) as Record<string, Record<string, unknown>>;
}

function problemText(
  trans: TranslationBundle,
  problem: ParameterProblem
): string {
  switch (problem) {
    case 'not-an-integer':
      return trans.__('Give a whole number.');
    case 'not-a-number':
      return trans.__('Give a number.');
    case 'not-json':
      return trans.__('Give a JSON value, such as [1, 2] or {"a": 1}.');
    case 'not-a-list':
      return trans.__('Give a list, such as [1, 2].');
    case 'not-an-object':
      return trans.__('Give an object, such as {"a": 1}.');
    case 'not-a-choice':
      return trans.__('Choose one of those offered.');
    case 'missing':
      return trans.__('Give a value: it has no default.');
  }
}
