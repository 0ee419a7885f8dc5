import { parseSequence } from './sequence-syntax.ts';
import { type Column, type ColumnSchema, isNumberColumn, sliceTable, type Table } from './table.ts';

/** A value as JSON shows it; null is a missing one. */
export type Value = string | number | boolean | null | readonly number[];

/** Rows `from` to `to` (exclusive) as objects by column name. */
export function readRows(table: Table, schema: readonly ColumnSchema[], from: number, to: number): Record<string, Value>[] {
  const { rows, columns } = sliceTable(table, from, Math.max(from, Math.min(to, table.rows)));
  const readers = columns.map((column, place) => [column.name, valueReader(column, schema[place])] as const);
  return Array.from({ length: rows }, (_, row) => Object.fromEntries(readers.map(([name, read]) => [name, read(row)])));
}

function valueReader(column: Column, schema: ColumnSchema | undefined): (row: number) => Value {
  if (isNumberColumn(column)) {
    return (row) => {
      const value = column.values[row];
      return value === undefined || Number.isNaN(value) ? null : value;
    };
  }
  if (column.type === 'sequence') {
    return (row) => parseSequence(column.dictionary[column.codes[row] ?? -1] ?? '');
  }
  const values = column.type === 'boolean' ? [false, true] : (schema?.categories ?? column.dictionary);
  return (row) => values[column.codes[row] ?? -1] ?? null;
}
