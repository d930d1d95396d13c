import * as React from 'react';

import { Field } from './field';

/** A form over a draft of texts: what was filled in, what is wrong with it, and how it changes. */
export interface IDraftForm<D, P extends string = string> {
  readonly draft: D;
  readonly problems: Partial<Record<P, unknown>>;
  edit(change: Partial<D>): void;
}

/** Those fields of a draft that are texts. */
export type TextOf<D> = {
  [K in keyof D]: D[K] extends string ? K : never;
}[keyof D] &
  string;

interface ITextProps<D> {
  form: IDraftForm<D>;
  field: TextOf<D>;
  label: string;
  help?: string;
  /** What is wrong with it, for people. */
  problem: string | null;
  title?: string;
  placeholder?: string;
  inputMode?: 'numeric' | 'decimal';
  isCode?: boolean;
  /** Texts that are offered. */
  offered?: readonly string[];
  /** Lines of a text that has several. */
  rows?: number;
}

/** One text of a draft. */
export function DraftText<D>(props: ITextProps<D>): JSX.Element {
  const { form, field, offered, rows } = props;
  const list = React.useId();
  const shared = {
    className: `jp-mlplat-Input${props.isCode ? ' jp-mod-code' : ''}`,
    spellCheck: false,
    name: field,
    title: props.title,
    placeholder: props.placeholder,
    value: String(form.draft[field])
  };
  const edit = (text: string) =>
    form.edit({ [field]: text } as unknown as Partial<D>);
  return (
    <Field
      label={props.label}
      help={props.help}
      problem={props.problem}
      render={attributes =>
        rows === undefined ? (
          <>
            <input
              {...attributes}
              {...shared}
              type="text"
              autoComplete="off"
              inputMode={props.inputMode}
              list={offered ? list : undefined}
              onChange={event => edit(event.target.value)}
            />
            {offered && (
              <datalist id={list}>
                {offered.map(text => (
                  <option key={text} value={text} />
                ))}
              </datalist>
            )}
          </>
        ) : (
          <textarea
            {...attributes}
            {...shared}
            rows={rows}
            onChange={event => edit(event.target.value)}
          />
        )
      }
    />
  );
}

/** One of several words of a draft. */
export function DraftChoice<D>(props: {
  form: IDraftForm<D>;
  field: TextOf<D>;
  label: string;
  help?: string;
  choices: readonly (readonly [string, string])[];
}): JSX.Element {
  const { form, field } = props;
  return (
    <Field
      label={props.label}
      help={props.help}
      render={attributes => (
        <select
          {...attributes}
          className="jp-mlplat-Select"
          name={field}
          value={String(form.draft[field])}
          onChange={event =>
            form.edit({ [field]: event.target.value } as unknown as Partial<D>)
          }
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
