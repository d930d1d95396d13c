import type { JsonValue, ModelVersion, TensorSpec } from '../../api/types';

/** One value of a row, as a form field shows it. */
export interface IColumn {
  name: string;
  kind: 'number' | 'integer' | 'boolean' | 'text';
}

/** How the rows that a model takes look, as far as its signature and its example tell. */
export interface IRequestForm {
  columns: readonly IColumn[];

  /** Rows are objects by column name; otherwise lists in the order of the columns. */
  isRecords: boolean;

  /** Example rows, at least one. */
  rows: readonly (readonly JsonValue[])[];
}

/** Why the text of a field is no value. */
export type ValueProblem = 'not-a-number' | 'not-an-integer';

/** The form of a request; null where only JSON can express what the model takes. */
export function formOf(version: ModelVersion): IRequestForm | null {
  const { inputs } = version.signature;
  const example = tableOf(version.input_example);
  const isColumns =
    inputs.length > 0 &&
    (inputs.length > 1 || inputs[0].shape.length === 1) &&
    inputs.every(isColumn);
  const matrix =
    inputs.length === 1 && inputs[0].shape.length === 2 ? inputs[0] : null;
  let columns: IColumn[];
  let isRecords: boolean;
  if (isColumns && (inputs.length > 1 || example?.names)) {
    columns = inputs.map(({ name, datatype }) => ({
      name,
      kind: kindOf(datatype)
    }));
    isRecords = true;
  } else if (matrix) {
    const width = matrix.shape[1] > 0 ? matrix.shape[1] : example?.width;
    if (!width) {
      return null;
    }
    columns = Array.from({ length: width }, (_, i) => ({
      name: example?.names?.[i] ?? `${matrix.name}[${i}]`,
      kind: kindOf(matrix.datatype)
    }));
    isRecords = false;
  } else if (inputs.length === 0 && example) {
    columns = Array.from({ length: example.width }, (_, i) => ({
      name: example.names?.[i] ?? `[${i}]`,
      kind: kindOfValue(example.rows[0][i])
    }));
    isRecords = example.names !== null;
  } else {
    return null;
  }
  if (columns.length > MAX_FIELDS) {
    return null;
  }
  const rows = (example?.rows ?? []).map(row =>
    columns.map((column, i) => {
      const at = isRecords ? (example?.names?.indexOf(column.name) ?? -1) : i;
      return (at < 0 ? row[i] : row[at]) ?? null;
    })
  );
  return {
    columns,
    isRecords,
    rows:
      rows.length > 0 && rows.every(row => row.every(isPlain))
        ? rows
        : [columns.map(zeroOf)]
  };
}

/** What to begin with where there is no form: the example as rows, else an empty list of rows. */
export function exampleOf(version: ModelVersion | null): JsonValue {
  const form = version && formOf(version);
  if (form) {
    return form.rows.map(row => rowOf(form, row));
  }
  const example = version?.input_example ?? null;
  const table = tableOf(example);
  return table
    ? table.rows.map(row => [...row])
    : Array.isArray(example)
      ? example
      : [];
}

/** Make a row, as it is sent, of its values. */
export function rowOf(
  form: IRequestForm,
  values: readonly JsonValue[]
): JsonValue {
  return form.isRecords
    ? Object.fromEntries(
        form.columns.map(({ name }, i) => [name, values[i] ?? null])
      )
    : [...values];
}

/** The text of a field for a value. */
export function textOf(value: JsonValue): string {
  return value === null
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}

/** Read a field; an empty number is a missing value. */
export function parse(
  column: IColumn,
  text: string
): { value: JsonValue } | { problem: ValueProblem } {
  const trimmed = text.trim();
  switch (column.kind) {
    case 'text':
      return { value: text };
    case 'boolean':
      return { value: trimmed === 'true' };
    case 'integer':
      return /^[+-]?\d+$/.test(trimmed) && Number.isSafeInteger(Number(trimmed))
        ? { value: Number(trimmed) }
        : { problem: 'not-an-integer' };
    case 'number':
      if (trimmed === '') {
        return { value: null };
      }
      return Number.isFinite(Number(trimmed))
        ? { value: Number(trimmed) }
        : { problem: 'not-a-number' };
  }
}

/** Make rows of what a user gave, as the engine does: one row or record counts as one. */
export function rowsOf(inputs: JsonValue): JsonValue[] {
  if (!Array.isArray(inputs)) {
    return [inputs];
  }
  const isOneRow =
    inputs.length > 0 &&
    inputs.every(value => value === null || typeof value !== 'object');
  return isOneRow ? [inputs] : inputs;
}

/**
 * The body of an Open Inference Protocol request for rows; null where the signature does not say how
 * they become tensors.
 */
export function inferenceBody(
  specs: readonly TensorSpec[],
  rows: readonly JsonValue[]
): JsonValue | null {
  if (specs.length === 1 && rows.every(Array.isArray)) {
    const { name, datatype } = specs[0];
    const shape = shapeOf(rows as JsonValue[]);
    return shape === null
      ? null
      : { inputs: [{ name, datatype, shape, data: flatten(rows) }] };
  }
  const records = rows.filter(isRecord);
  if (
    specs.length === 0 ||
    records.length !== rows.length ||
    !specs.every(isColumn) ||
    !records.every(row => specs.every(({ name }) => name in row))
  ) {
    return null;
  }
  return {
    inputs: specs.map(({ name, datatype, shape }) => ({
      name,
      datatype,
      shape: shape.length === 2 ? [rows.length, 1] : [rows.length],
      data: records.map(row => row[name])
    }))
  };
}

interface ITable {
  names: string[] | null;
  rows: readonly (readonly JsonValue[])[];
  width: number;
}

/** Read an example as a table: a frame (`{columns, data}`), records, or rows of one length. */
function tableOf(example: JsonValue): ITable | null {
  if (isRecord(example) && Array.isArray(example.data)) {
    const { columns, data } = example;
    return Array.isArray(columns) && isGrid(data, columns.length)
      ? { names: columns.map(textOf), rows: data, width: columns.length }
      : null;
  }
  if (!Array.isArray(example) || example.length === 0) {
    return null;
  }
  if (example.every(isRecord)) {
    const names = Object.keys(example[0]);
    return {
      names,
      rows: example.map(row => names.map(name => row[name] ?? null)),
      width: names.length
    };
  }
  const first = example[0];
  return Array.isArray(first) && isGrid(example, first.length)
    ? { names: null, rows: example, width: first.length }
    : null;
}

function isGrid(value: JsonValue[], width: number): value is JsonValue[][] {
  return (
    width > 0 &&
    value.length > 0 &&
    value.every(row => Array.isArray(row) && row.length === width)
  );
}

function isColumn({ shape }: TensorSpec): boolean {
  return shape.length === 1 || (shape.length === 2 && shape[1] === 1);
}

function isRecord(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(value: JsonValue): boolean {
  return value === null || typeof value !== 'object';
}

function kindOf(datatype: TensorSpec['datatype']): IColumn['kind'] {
  if (datatype === 'BYTES') {
    return 'text';
  }
  if (datatype === 'BOOL') {
    return 'boolean';
  }
  return datatype.startsWith('FP') ? 'number' : 'integer';
}

function kindOfValue(value: JsonValue): IColumn['kind'] {
  return typeof value === 'string'
    ? 'text'
    : typeof value === 'boolean'
      ? 'boolean'
      : 'number';
}

function zeroOf({ kind }: IColumn): JsonValue {
  return kind === 'text' ? '' : kind === 'boolean' ? false : 0;
}

/** Lengths along each axis; null where they differ. */
function shapeOf(value: JsonValue): number[] | null {
  if (!Array.isArray(value)) {
    return [];
  }
  const inner = value.map(shapeOf);
  const first = inner[0] ?? [];
  return first !== null &&
    inner.every(shape => JSON.stringify(shape) === JSON.stringify(first))
    ? [value.length, ...first]
    : null;
}

function flatten(value: JsonValue | readonly JsonValue[]): JsonValue[] {
  return Array.isArray(value)
    ? (value as JsonValue[]).flatMap(flatten)
    : [value as JsonValue];
}

/** More fields than anyone fills in by hand. */
const MAX_FIELDS = 64;
