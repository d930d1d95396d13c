import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Parameter } from '../../api/types';
import { Button, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { closeIcon, plusIcon } from '../../icons';
import { saidOf } from '../jobs/fields';
import type { JobForm } from '../jobs/form-model';
import type { JobProblem } from '../jobs/draft';
import { dimensionFor } from './draft';
import type {
  Distribution,
  ISpaceDraft,
  ITuneDraft,
  SpaceType,
  TuneProblem
} from './draft';

/** What is tried: a card for each dimension, and the parameters that are offered. */
export function SpaceEditor(props: {
  form: JobForm<ITuneDraft, TuneProblem>;

  /** Those that could be tried. */
  offered: readonly Parameter[];
}): JSX.Element {
  const { form } = props;
  const { space } = form.draft;
  const trans = useTrans();
  const group = React.useRef<HTMLDivElement>(null);
  const label = React.useId();
  const offered = props.offered.filter(
    ({ name }) => !space.some(dimension => dimension.name === name)
  );
  const change = (index: number, part: Partial<ISpaceDraft>) =>
    form.edit({
      space: space.map((one, at) => (at === index ? { ...one, ...part } : one))
    });
  const add = (dimension: ISpaceDraft) => {
    form.edit({ space: [...space, dimension] });
    requestAnimationFrame(() =>
      [...(group.current?.querySelectorAll<HTMLElement>('[data-first]') ?? [])]
        .at(-1)
        ?.focus()
    );
  };
  return (
    <div
      ref={group}
      className="jp-mlplat-Space"
      role="group"
      aria-labelledby={label}
      data-testid="mlplat-space"
    >
      <h3 id={label} className="jp-mlplat-Space-heading">
        {trans.__('What is tried')}
      </h3>
      {space.map((dimension, index) => (
        <Dimension
          key={index}
          dimension={dimension}
          index={index}
          problems={form.problems}
          onChange={part => change(index, part)}
          onRemove={() =>
            form.edit({ space: space.filter((_, at) => at !== index) })
          }
        />
      ))}
      {space.length === 0 && (
        <p className="jp-mlplat-Hint">
          {offered.length > 0
            ? trans.__('Choose parameters to try values of:')
            : trans.__('Add the parameters to try values of.')}
        </p>
      )}
      <div className="jp-mlplat-Space-offered">
        {offered.map(parameter => (
          <button
            key={parameter.name}
            type="button"
            className="jp-mlplat-Alias jp-mod-new"
            title={trans.__(
              'Try values of %1, which is %2',
              parameter.name,
              parameter.expression
            )}
            onClick={() => add(dimensionFor(parameter))}
          >
            <plusIcon.react tag="span" />
            {parameter.name}
          </button>
        ))}
        <Button
          icon={plusIcon}
          label={trans.__('Parameter')}
          title={trans.__('Add a parameter by its name')}
          onClick={() =>
            add({
              name: '',
              type: 'double',
              minimum: '',
              maximum: '',
              step: '',
              distribution: 'uniform',
              values: ''
            })
          }
        />
      </div>
    </div>
  );
}

function Dimension(props: {
  dimension: ISpaceDraft;
  index: number;
  problems: Partial<Record<string, TuneProblem>>;
  onChange: (part: Partial<ISpaceDraft>) => void;
  onRemove: () => void;
}): JSX.Element {
  const { dimension, index, onChange } = props;
  const trans = useTrans();
  const isListed =
    dimension.type === 'discrete' || dimension.type === 'categorical';
  const text = (
    field: 'name' | 'minimum' | 'maximum' | 'step' | 'values',
    label: string,
    placeholder = ''
  ) => (
    <Field
      label={label}
      problem={tuneSaid(trans, props.problems[`space.${index}.${field}`])}
      render={attributes => (
        <input
          {...attributes}
          className="jp-mlplat-Input jp-mod-code"
          type="text"
          inputMode={isListed || field === 'name' ? undefined : 'decimal'}
          spellCheck={false}
          autoComplete="off"
          data-first={field === 'name' ? true : undefined}
          data-field={field}
          placeholder={placeholder}
          value={dimension[field]}
          onChange={event => onChange({ [field]: event.target.value })}
        />
      )}
    />
  );
  const types: [SpaceType, string][] = [
    ['double', trans.__('Number')],
    ['int', trans.__('Whole number')],
    ['discrete', trans.__('Some numbers')],
    ['categorical', trans.__('Some values')]
  ];
  const distributions: [Distribution, string][] = [
    ['uniform', trans.__('Even')],
    ['log-uniform', trans.__('Even by magnitude')],
    ['normal', trans.__('Normal')],
    ['log-normal', trans.__('Log-normal')]
  ];
  return (
    <div
      className="jp-mlplat-Dimension"
      role="group"
      aria-label={dimension.name || trans.__('Parameter %1', index + 1)}
      data-parameter={dimension.name}
    >
      <div className="jp-mlplat-Dimension-head">
        {text('name', trans.__('Parameter'))}
        <Field
          label={trans.__('Type')}
          render={attributes => (
            <select
              {...attributes}
              className="jp-mlplat-Select"
              value={dimension.type}
              onChange={event =>
                onChange({ type: event.target.value as SpaceType })
              }
            >
              {types.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        />
        <IconButton
          icon={closeIcon}
          label={trans.__('Leave out %1', dimension.name || index + 1)}
          onClick={props.onRemove}
        />
      </div>
      {isListed ? (
        text(
          'values',
          trans.__('Values, with commas between'),
          dimension.type === 'discrete' ? '16, 32, 64' : 'adam, sgd'
        )
      ) : (
        <>
          <div className="jp-mlplat-Form-row">
            {text('minimum', trans.__('From'))}
            {text('maximum', trans.__('To'))}
            {text('step', trans.__('Step'), trans.__('none'))}
          </div>
          <Field
            label={trans.__('Spread')}
            render={attributes => (
              <select
                {...attributes}
                className="jp-mlplat-Select"
                value={dimension.distribution}
                onChange={event =>
                  onChange({ distribution: event.target.value as Distribution })
                }
              >
                {distributions.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          />
        </>
      )}
    </div>
  );
}

/** What is wrong with a field, for people. */
export function tuneSaid(
  trans: TranslationBundle,
  problem: TuneProblem | undefined
): string | null {
  switch (problem) {
    case 'identifier':
      return trans.__('This is no name of a parameter.');
    case 'twice':
      return trans.__('It is there already.');
    case 'order':
      return trans.__('The end lies below the beginning.');
    case 'positive':
      return trans.__('Magnitudes begin above zero.');
    case 'step':
      return trans.__('A grid needs a step.');
    case 'values':
      return trans.__('These have to be numbers.');
    case 'pattern':
      return trans.__(
        'Each line has to be a pattern with two groups, for name and value.'
      );
    case 'inline':
      return trans.__(
        'Only cells and steps can share a process: not whole notebooks, commands or train jobs.'
      );
    case 'no-space':
      return trans.__('Add at least one parameter.');
    default:
      return saidOf(trans, problem as JobProblem | undefined);
  }
}
