import * as React from 'react';

interface ILabelled {
  label: string;
  help?: string;
  problem?: string | null;
}

/** A labelled line of a form, with its help or what is wrong with it below. */
export function Field(
  props: ILabelled & {
    render: (attributes: {
      id: string;
      'aria-invalid': boolean;
      'aria-describedby': string | undefined;
    }) => React.ReactNode;
  }
): JSX.Element {
  const id = React.useId();
  const note = props.problem ?? props.help;
  return (
    <div className="jp-mlplat-Field" data-invalid={!!props.problem}>
      <label className="jp-mlplat-Field-label" htmlFor={id}>
        {props.label}
      </label>
      {props.render({
        id,
        'aria-invalid': !!props.problem,
        'aria-describedby': note ? `${id}-note` : undefined
      })}
      {note && (
        <div
          id={`${id}-note`}
          className="jp-mlplat-Field-note"
          role={props.problem ? 'alert' : undefined}
        >
          {note}
        </div>
      )}
    </div>
  );
}

/** A line of text; of several lines with `rows`. */
export function TextField(
  props: ILabelled & {
    value: string;
    name?: string;
    title?: string;
    placeholder?: string;
    type?: 'text' | 'datetime-local';
    inputMode?: 'numeric' | 'decimal';
    isCode?: boolean;
    rows?: number;
    /** What the browser offers while one types. */
    suggestions?: readonly string[];
    /** The parameter it is for, where it is for one. */
    parameter?: string;
    onChange: (value: string) => void;
  }
): JSX.Element {
  const list = React.useId();
  const code = props.isCode ? ' jp-mod-code' : '';
  const common = {
    name: props.name,
    title: props.title,
    placeholder: props.placeholder,
    value: props.value,
    spellCheck: false,
    'data-parameter': props.parameter
  };
  return (
    <Field
      label={props.label}
      help={props.help}
      problem={props.problem}
      render={attributes =>
        props.rows ? (
          <textarea
            {...attributes}
            {...common}
            className={`jp-mlplat-Input jp-mlplat-TextArea${code}`}
            rows={props.rows}
            onChange={event => props.onChange(event.target.value)}
          />
        ) : (
          <>
            <input
              {...attributes}
              {...common}
              className={`jp-mlplat-Input${code}`}
              type={props.type ?? 'text'}
              autoComplete="off"
              inputMode={props.inputMode}
              list={props.suggestions && list}
              onChange={event => props.onChange(event.target.value)}
            />
            {props.suggestions && (
              <datalist id={list}>
                {props.suggestions.map(value => (
                  <option key={value} value={value} />
                ))}
              </datalist>
            )}
          </>
        )
      }
    />
  );
}

/** One of several, each a value and what it is called. */
export function SelectField<T extends string>(
  props: ILabelled & {
    value: T;
    choices: readonly (readonly [T, string])[];
    name?: string;
    isDisabled?: boolean;
    onChange: (value: T) => void;
  }
): JSX.Element {
  return (
    <Field
      label={props.label}
      help={props.help}
      problem={props.problem}
      render={attributes => (
        <select
          {...attributes}
          className="jp-mlplat-Select"
          name={props.name}
          value={props.value}
          disabled={props.isDisabled}
          onChange={event => props.onChange(event.target.value as T)}
        >
          {props.choices.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    />
  );
}

/** Choices with the one that is chosen among them, whether it is offered or not. */
export function withValue(
  choices: readonly (readonly [string, string])[],
  value: string,
  label: string
): readonly (readonly [string, string])[] {
  return choices.some(([offered]) => offered === value)
    ? choices
    : [[value, label], ...choices];
}
