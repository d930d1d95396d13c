import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Parameter } from '../../api/types';
import { IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { retryIcon } from '../../icons';
import { textOf } from './parameters';
import type { ParameterProblem } from './parameters';

/** The values of the next run, typed as the notebook's parameters cell says. */
export function ParameterForm(props: {
  parameters: readonly Parameter[];
  texts: ReadonlyMap<string, string>;
  problems: ReadonlyMap<string, ParameterProblem>;
  onChange: (name: string, text: string | null) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-mlplat-ParameterForm">
      {props.parameters.map(parameter => {
        const { name } = parameter;
        const text = props.texts.get(name);
        const problem = props.problems.get(name);
        return (
          <div className="jp-mlplat-Parameter" key={name}>
            <Field
              label={name}
              help={parameter.help || undefined}
              problem={problem && problemText(trans, problem)}
              render={attributes =>
                parameter.type === 'bool' ? (
                  <input
                    {...attributes}
                    type="checkbox"
                    checked={(text ?? textOf(parameter)) === 'true'}
                    onChange={event =>
                      props.onChange(name, String(event.target.checked))
                    }
                  />
                ) : (
                  <input
                    {...attributes}
                    className="jp-mlplat-Input"
                    type="text"
                    inputMode={
                      parameter.type === 'int' || parameter.type === 'float'
                        ? 'decimal'
                        : undefined
                    }
                    spellCheck={false}
                    value={text ?? textOf(parameter)}
                    onChange={event => props.onChange(name, event.target.value)}
                  />
                )
              }
            />
            <span className="jp-mlplat-Parameter-type">{parameter.type}</span>
            {text !== undefined && (
              <IconButton
                icon={retryIcon}
                label={trans.__("Back to the notebook's value")}
                onClick={() => props.onChange(name, null)}
              />
            )}
          </div>
        );
      })}
    </div>
  );
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
  }
}
