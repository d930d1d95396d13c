import type { JsonValue, Parameter } from '../../api/types';

/** What a form field gave: a value, or why it is none. */
export type Parsed = { value: JsonValue } | { problem: ParameterProblem };

export type ParameterProblem =
  | 'not-an-integer'
  | 'not-a-number'
  | 'not-json'
  | 'not-a-list'
  | 'not-an-object';

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
