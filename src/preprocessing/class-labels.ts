import { type Column, type ColumnSchema, isNumberColumn } from '../datasets/table.ts';
import { listedValues } from './column-cells.ts';
import type { Label } from './preprocessing.ts';

/**
 * The classes of a target column, sorted, in the column's JSON type. Taken from all rows: a class that only the held-out
 * rows have is still a class.
 */
export function classLabels(column: Column, schema: ColumnSchema): readonly Label[] {
  const listed = listedValues(schema);
  if (listed !== null) return listed;
  if (isNumberColumn(column)) {
    const present = column.values.filter((value) => !Number.isNaN(value));
    return [...new Set(present)].sort((a, b) => a - b);
  }
  const used = new Set(column.codes);
  return column.dictionary.filter((_, code) => used.has(code)).sort();
}

/** Reads the class of a row as its place among the labels, or -1 where the column has no value. */
export function classReader(column: Column, labels: readonly Label[]): (row: number) => number {
  if (isNumberColumn(column)) {
    const { values } = column;
    const place = new Map(labels.map((label, index) => [label, index]));
    return (row) => place.get(values[row] ?? Number.NaN) ?? -1;
  }
  const { codes, dictionary } = column;
  const place = new Map(labels.map((label, index) => [String(label), index]));
  const classOfCode = dictionary.map((text) => place.get(text) ?? -1);
  return (row) => classOfCode[codes[row] ?? -1] ?? -1;
}
