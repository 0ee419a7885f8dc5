import { parseSequence } from './sequence-syntax.ts';
import { type Column, type ColumnSchema, isNumberColumn, type Table } from './table.ts';

/** A value as JSON shows it; null is a missing one. */
export type Value = string | number | boolean | null | readonly number[];

/** Rows `from` to `to` (exclusive) as objects by column name. */
export function readRows(table: Table, schema: readonly ColumnSchema[], from: number, to: number): Record<string, Value>[] {
  const readers = table.columns.map((column, place) => [column.name, valueReader(column, schema[place])] as const);
  return Array.from({ length: Math.max(0, Math.min(to, table.rows) - from) }, (_, offset) =>
    Object.fromEntries(readers.map(([name, read]) => [name, read(from + offset)])),
  );
}

function valueReader(column: Column, schema: ColumnSchema | undefined): (row: number) => Value {
  if (isNumberColumn(column)) {
    return (row) => {
      const value = column.values[row];
      return value === undefined || Number.isNaN(value) ? null : value;
    };
  }
  if (column.type === 'sequence') {
    const lists = column.dictionary.map(parseSequence);
    return (row) => lists[column.codes[row] ?? -1] ?? null;
  }
  const values = column.type === 'boolean' ? [false, true] : (schema?.categories ?? column.dictionary);
  return (row) => values[column.codes[row] ?? -1] ?? null;
}
