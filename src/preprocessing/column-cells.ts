import { parseDatetime } from '../datasets/cell-syntax.ts';
import { type Column, type ColumnSchema, isNumberColumn } from '../datasets/table.ts';

/**
 * A column as one number per row, which is what statistics and encodings work on: a number as it is, a datetime in
 * seconds since 1970, a category or boolean as its place in the sorted list. NaN is a missing value.
 */
export function cellReader(column: Column): (row: number) => number {
  if (isNumberColumn(column)) {
    const { values } = column;
    return (row) => values[row] ?? Number.NaN;
  }
  const { codes } = column;
  if (column.type === 'datetime') {
    const seconds = column.dictionary.map(datetimeSeconds);
    return (row) => seconds[codes[row] ?? -1] ?? Number.NaN;
  }
  return (row) => {
    const code = codes[row] ?? -1;
    return code < 0 ? Number.NaN : code;
  };
}

/** Seconds since 1970 of a datetime, NaN for any other text. */
export function datetimeSeconds(text: string): number {
  const milliseconds = parseDatetime(text);
  return milliseconds === null ? Number.NaN : milliseconds / 1000;
}

/** The list the places refer to, or null for quantities. Booleans are false, true. */
export function listedValues(schema: ColumnSchema): readonly (string | number | boolean)[] | null {
  if (schema.type === 'boolean') return [false, true];
  return schema.type === 'category' ? (schema.categories ?? []) : null;
}
