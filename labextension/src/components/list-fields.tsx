import type { FieldProps } from '@rjsf/utils';
import * as React from 'react';

import { closeIcon, plusIcon } from '../icons';
import { Button, IconButton } from './basics';
import { useTrans } from './context';

/** An object of texts in a form: a row of name and value for each. */
export function PairsField(props: FieldProps): JSX.Element {
  const trans = useTrans();
  const given = (props.formData ?? {}) as Readonly<Record<string, string>>;
  const [rows, setRows] = React.useState(() => Object.entries(given));
  const group = React.useRef<HTMLDivElement>(null);
  // What was typed may be no object yet: a row without a name, or two of the same.
  const key = JSON.stringify(given);
  const [last, setLast] = React.useState(key);
  if (last !== key) {
    setLast(key);
    if (JSON.stringify(pairsOf(rows) ?? {}) !== key) {
      setRows(Object.entries(given));
    }
  }
  const change = (next: [string, string][]) => {
    setRows(next);
    props.onChange(pairsOf(next));
  };
  return (
    <div
      ref={group}
      className="jp-mlplat-Pairs"
      role="group"
      aria-labelledby={`${props.idSchema.$id}__label`}
    >
      <FieldLabel {...props} />
      {rows.map(([name, value], index) => (
        <div key={index} className="jp-mlplat-Pairs-row">
          <input
            type="text"
            spellCheck={false}
            autoComplete="off"
            aria-label={trans.__('Name of variable %1', index + 1)}
            aria-invalid={name.trim() !== '' && !VARIABLE.test(name.trim())}
            placeholder={trans.__('NAME')}
            value={name}
            onChange={event =>
              change(replaced(rows, index, [event.target.value, value]))
            }
          />
          <input
            type="text"
            spellCheck={false}
            autoComplete="off"
            aria-label={trans.__('Value of %1', name || index + 1)}
            placeholder={trans.__('value')}
            value={value}
            onChange={event =>
              change(replaced(rows, index, [name, event.target.value]))
            }
          />
          <IconButton
            icon={closeIcon}
            label={trans.__('Remove %1', name || index + 1)}
            onClick={() => change(rows.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {new Set(rows.map(([name]) => name)).size < rows.length && (
        <div className="jp-mlplat-Field-note" role="status">
          {trans.__('Of two with the same name the last one counts.')}
        </div>
      )}
      <div>
        <Button
          icon={plusIcon}
          label={trans.__('Add a variable')}
          onClick={() => {
            setRows([...rows, ['', '']]);
            requestAnimationFrame(() =>
              [
                ...(group.current?.querySelectorAll<HTMLElement>(
                  '.jp-mlplat-Pairs-row > input:first-child'
                ) ?? [])
              ]
                .at(-1)
                ?.focus()
            );
          }}
        />
      </div>
    </div>
  );
}

/** A list of names in a form: one line, with commas between them. */
export function NamesField(props: FieldProps): JSX.Element {
  const names = (props.formData ?? []) as readonly string[];
  const shown = names.join(', ');
  const [text, setText] = React.useState(shown);
  const [last, setLast] = React.useState(shown);
  if (last !== shown) {
    setLast(shown);
    if (namesOf(text).join(', ') !== shown) {
      setText(shown);
    }
  }
  const id = props.idSchema.$id;
  return (
    <>
      <FieldLabel {...props} />
      <input
        id={id}
        type="text"
        spellCheck={false}
        autoComplete="off"
        placeholder={String(props.uiSchema?.['ui:placeholder'] ?? '')}
        value={text}
        aria-describedby={`${id}__description`}
        onChange={event => {
          const next = namesOf(event.target.value);
          setText(event.target.value);
          props.onChange(next.length > 0 ? next : undefined);
        }}
        onBlur={() => setText(shown)}
      />
    </>
  );
}

function FieldLabel(props: FieldProps): JSX.Element {
  const { $id: id } = props.idSchema;
  return (
    <label
      id={`${id}__label`}
      className="jp-mlplat-Field-label"
      htmlFor={props.schema.type === 'array' ? id : undefined}
    >
      {String(props.uiSchema?.['ui:title'] ?? props.name)}
    </label>
  );
}

function replaced<T>(all: readonly T[], index: number, one: T): T[] {
  return all.map((old, at) => (at === index ? one : old));
}

/** Rows as an object; undefined where nothing is named. */
function pairsOf(
  rows: readonly [string, string][]
): Record<string, string> | undefined {
  const named = rows
    .map(([name, value]): [string, string] => [name.trim(), value])
    .filter(([name]) => name !== '');
  return named.length > 0 ? Object.fromEntries(named) : undefined;
}

/** As the schema has it, to point at the row that is wrong. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function namesOf(text: string): string[] {
  return [...new Set(text.split(/[,\s]+/).filter(Boolean))];
}
