import { JSONExt } from '@lumino/coreutils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { JsonValue, Parameter } from '../../api/types';

/** What a form field gave: a value, or why it is none. */
export type Parsed = { value: JsonValue } | { problem: ParameterProblem };

export type ParameterProblem =
  | 'not-an-integer'
  | 'not-a-number'
  | 'not-json'
  | 'not-a-list'
  | 'not-an-object'
  | 'not-a-choice'
  | 'missing';

/** The text a form field starts with. */
export function textOf(parameter: Parameter): string {
  const value = parameter.default;
  if (parameter.type === 'str' && typeof value === 'string') {
    return value;
  }
  return value === null ? '' : JSON.stringify(value);
}

/** Read a form field as a value of the parameter's type. */
export function parse(parameter: Parameter, text: string): Parsed {
  const parsed = parseType(parameter, text);
  const isChoice =
    'problem' in parsed ||
    parameter.choices.length === 0 ||
    parameter.choices.some(choice => JSONExt.deepEqual(choice, parsed.value));
  return isChoice ? parsed : { problem: 'not-a-choice' };
}

function parseType(parameter: Parameter, text: string): Parsed {
  const trimmed = text.trim();
  switch (parameter.type) {
    case 'str':
      return { value: text };
    case 'bool':
      return { value: trimmed === 'true' };
    case 'int':
      return /^[+-]?\d+$/.test(trimmed)
        ? { value: Number(trimmed) }
        : { problem: 'not-an-integer' };
    case 'float':
      return trimmed !== '' && Number.isFinite(Number(trimmed))
        ? { value: Number(trimmed) }
        : { problem: 'not-a-number' };
  }
  if (trimmed === '') {
    return { value: null };
  }
  let value: JsonValue;
  try {
    value = JSON.parse(trimmed) as JsonValue;
  } catch {
    return { problem: 'not-json' };
  }
  if (parameter.type === 'list' && !Array.isArray(value)) {
    return { problem: 'not-a-list' };
  }
  if (
    parameter.type === 'dict' &&
    (typeof value !== 'object' || value === null || Array.isArray(value))
  ) {
    return { problem: 'not-an-object' };
  }
  return { value };
}

/** What is wrong with what was typed, and with what was not. */
export function problemsOf(
  parameters: readonly Parameter[],
  texts: ReadonlyMap<string, string>
): ReadonlyMap<string, ParameterProblem> {
  const problems = new Map<string, ParameterProblem>();
  for (const parameter of parameters) {
    const text = texts.get(parameter.name);
    if (text === undefined) {
      if (parameter.is_required) {
        problems.set(parameter.name, 'missing');
      }
      continue;
    }
    const parsed = parse(parameter, text);
    if ('problem' in parsed) {
      problems.set(parameter.name, parsed.problem);
    }
  }
  return problems;
}

/** What was typed as values, as far as it can be read. */
export function valuesOf(
  parameters: readonly Parameter[],
  texts: ReadonlyMap<string, string>
): Record<string, JsonValue> {
  const values: Record<string, JsonValue> = {};
  for (const parameter of parameters) {
    const text = texts.get(parameter.name);
    const parsed = text === undefined ? null : parse(parameter, text);
    if (parsed !== null && 'value' in parsed) {
      values[parameter.name] = parsed.value;
    }
  }
  return values;
}

/** The form of some parameters, as a JSON schema. Lists and objects are written as JSON. */
export function schemaOf(parameters: readonly Parameter[]): ReadonlyJSONObject {
  const properties = parameters.map(parameter => [
    parameter.name,
    {
      title: parameter.name,
      ...(parameter.help ? { description: parameter.help } : {}),
      ...(parameter.choices.length > 0
        ? {
            enum: parameter.choices,
            // Without one, nothing would be offered as the first choice.
            ...(parameter.is_required ? {} : { default: parameter.default })
          }
        : { type: TYPES[parameter.type] ?? 'string' })
    }
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as ReadonlyJSONObject
  };
}

/** What a form of `schemaOf` shows: values where they can be read, else what was typed. */
export function dataOf(
  parameters: readonly Parameter[],
  texts: ReadonlyMap<string, string>
): ReadonlyJSONObject {
  const data: Record<string, JsonValue> = {};
  for (const parameter of parameters) {
    const text = texts.get(parameter.name);
    if (text === undefined && parameter.is_required) {
      continue;
    }
    const shown = text ?? textOf(parameter);
    const parsed = parse(parameter, shown);
    const isText = !(parameter.type in TYPES) && !parameter.choices.length;
    data[parameter.name] = isText || 'problem' in parsed ? shown : parsed.value;
  }
  return data;
}

/** What was typed where a form of `schemaOf` went from one state to another. */
export function textsBetween(
  parameters: readonly Parameter[],
  before: ReadonlyJSONObject,
  after: ReadonlyJSONObject
): [string, string][] {
  return parameters
    .filter(
      ({ name }) =>
        !JSONExt.deepEqual(before[name] ?? null, after[name] ?? null)
    )
    .map(parameter => [
      parameter.name,
      typed(parameter, after[parameter.name])
    ]);
}

function typed(
  parameter: Parameter,
  value: ReadonlyJSONObject[string] | undefined
): string {
  const isJson = parameter.choices.length > 0 && parameter.type !== 'str';
  return value === undefined
    ? ''
    : typeof value === 'string' && !isJson
      ? value
      : JSON.stringify(value);
}

/** The types that a form has fields for; all others are texts. */
const TYPES: Readonly<Partial<Record<Parameter['type'], string>>> = {
  int: 'integer',
  float: 'number',
  bool: 'boolean',
  str: 'string'
};
