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
    const seconds = secondsOf(column.dictionary);
    return (row) => seconds[codes[row] ?? -1] ?? Number.NaN;
  }
  return (row) => {
    const code = codes[row] ?? -1;
    return code < 0 ? Number.NaN : code;
  };
}

/** Slices of a column share its dictionary, which may be as long as the column: it is read once. */
const SECONDS = new WeakMap<readonly string[], Float64Array>();

function secondsOf(dictionary: readonly string[]): Float64Array {
  const seconds = SECONDS.get(dictionary) ?? Float64Array.from(dictionary, datetimeSeconds);
  SECONDS.set(dictionary, seconds);
  return seconds;
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
