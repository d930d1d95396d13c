import type { JsonValue } from '../../api/types';

/** An input example as rows below column names. */
export interface IExampleTable {
  columns: readonly string[];
  rows: readonly (readonly JsonValue[])[];
}

/** Read an example as a table: rows, records, or a frame's columns and data; null for other forms. */
export function tableOf(example: JsonValue): IExampleTable | null {
  if (isRecord(example)) {
    const { columns, data } = example;
    if (Array.isArray(columns) && isRows(data)) {
      return { columns: columns.map(String), rows: data };
    }
    return null;
  }
  if (!Array.isArray(example) || example.length === 0) {
    return null;
  }
  if (isRows(example)) {
    const width = Math.max(...example.map(row => row.length));
    const columns = Array.from({ length: width }, (_, index) => String(index));
    return { columns, rows: example };
  }
  if (example.every(isRecord)) {
    const columns = [...new Set(example.flatMap(row => Object.keys(row)))];
    return {
      columns,
      rows: example.map(row => columns.map(column => row[column] ?? null))
    };
  }
  return null;
}

function isRows(value: JsonValue | undefined): value is JsonValue[][] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      row =>
        Array.isArray(row) &&
        !row.some(cell => typeof cell === 'object' && cell !== null)
    )
  );
}

function isRecord(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
