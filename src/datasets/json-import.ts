import { type Fault, pointerTo } from '../engine/index.ts';
import { MAGNITUDE_MAX, parseDatetime } from './cell-syntax.ts';
import { schemaOfColumn } from './column-schema.ts';
import { CELL_CHARS_MAX } from './csv-scanner.ts';
import { createFaultCollector, type FaultCollector, shownValue } from './fault-collector.ts';
import type { ImportLimits, ImportOutcome } from './import-outcome.ts';
import { checkConstants, checkRequestedSchema } from './requested-schema.ts';
import { isSequence, SEQUENCE_LENGTH_MAX } from './sequence-syntax.ts';
import type { Column, ColumnSchema, RequestedColumn } from './table.ts';
import { categoryColumn, createDictionary, looksLikeCategory } from './text-column.ts';

type Row = Readonly<Record<string, unknown>>;
type JsonType = 'number' | 'string' | 'boolean';

/**
 * A table from JSON rows. A value keeps the type it was posted with: a text in a column of numbers is a fault and never
 * read as the number it spells. A column left out of a row, or null in it, is a missing value there.
 */
export function importRows(
  rows: readonly unknown[],
  { schema: requested = [], limits }: { schema?: readonly RequestedColumn[]; limits: ImportLimits },
): ImportOutcome {
  const faults = createFaultCollector();
  const records = checkRows(rows, limits, faults);
  const names = columnNames(records, limits, faults);
  if (faults.count() > 0) return { table: null, schema: [], rows: rows.length, faults: faults.list() };
  const asked = new Map(requested.map((column) => [column.name, column]));
  const types = new Map(names.map((name) => [name, chosenType(name, records, asked.get(name))]));
  for (const fault of checkRequestedSchema(requested, types)) faults.add(fault);
  const finished = names.map((name) => importColumn(name, records, types.get(name) ?? 'text', asked.get(name), faults));
  const schema = finished.map(({ column, categories }): ColumnSchema => schemaOfColumn(column, asked.get(column.name), categories));
  for (const fault of checkConstants(requested, schema)) faults.add(fault);
  const table = faults.count() === 0 ? { rows: records.length, columns: finished.map(({ column }) => column) } : null;
  return { table, schema, rows: records.length, faults: faults.list() };
}

function pointerToValue(row: number, name: string): string {
  return pointerTo(pointerTo('/rows', row), name);
}

function checkRows(rows: readonly unknown[], { rowsMax }: ImportLimits, faults: FaultCollector): Row[] {
  if (rows.length === 0) faults.add({ pointer: '/rows', code: 'no_rows', detail: 'At least one row is expected.' });
  if (rows.length > rowsMax) {
    faults.add({
      pointer: '/rows',
      code: 'too_many_rows',
      detail: `More than ${rowsMax} rows.`,
      expected: { max: rowsMax },
      received: rows.length,
    });
    return [];
  }
  return rows.flatMap((row, place) => {
    if (isRow(row)) return [row];
    faults.add({
      pointer: `/rows/${place}`,
      code: 'wrong_type',
      detail: 'A row must be an object of column names and values.',
      expected: 'object',
      received: jsonTypeName(row),
    });
    return [];
  });
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the row itself holds: a column may be called `constructor`, which every object inherits. */
function ownValue(record: Row, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function columnNames(records: readonly Row[], { columnsMax }: ImportLimits, faults: FaultCollector): string[] {
  const firstRow = new Map<string, number>();
  for (const [row, record] of records.entries()) {
    for (const name of Object.keys(record)) if (!firstRow.has(name)) firstRow.set(name, row);
    if (firstRow.size > columnsMax) {
      faults.add({
        pointer: `/rows/${row}`,
        code: 'too_many_columns',
        detail: `More than ${columnsMax} columns.`,
        expected: { max: columnsMax },
      });
      return [];
    }
  }
  for (const [name, row] of firstRow) {
    if (name.trim() === '') faults.add({ pointer: pointerToValue(row, name), code: 'empty_column_name', detail: 'A column has no name.' });
    if (name === '__proto__')
      faults.add({ pointer: pointerToValue(row, name), code: 'reserved_column_name', detail: 'A column cannot be named __proto__.' });
  }
  checkFilling(records, firstRow.size, faults);
  if (records.length > 0 && firstRow.size === 0)
    faults.add({ pointer: '/rows/0', code: 'no_columns', detail: 'The rows have no columns.' });
  return [...firstRow.keys()];
}

/** Cells a table may have however few of them are filled. */
const SPARSE_CELLS_MAX = 1_000_000;
const CELLS_PER_VALUE_MAX = 50;

/** Short rows, each with columns of its own, would make a table a thousand times their size. */
function checkFilling(records: readonly Row[], columns: number, faults: FaultCollector): void {
  const values = records.reduce((sum, record) => sum + Object.keys(record).length, 0);
  const max = Math.floor(Math.max(SPARSE_CELLS_MAX, values * CELLS_PER_VALUE_MAX) / records.length);
  if (columns <= max) return;
  const detail = `The rows name ${columns} different columns and leave nearly all of them out; with so few values there may be ${max}.`;
  faults.add({ pointer: '/rows', code: 'too_many_columns', detail, expected: { max }, received: columns });
}

function chosenType(name: string, records: readonly Row[], requested: RequestedColumn | undefined): Column['type'] {
  if (requested?.type !== undefined) return requested.type;
  if (requested?.categories !== undefined) return 'category';
  const values = records.map((record) => ownValue(record, name)).filter((value) => value !== undefined && value !== null);
  if (values.length > 0 && values.every(Array.isArray)) return 'sequence';
  switch (commonType(values)) {
    case 'number':
      return values.every((value) => typeof value !== 'number' || Number.isSafeInteger(value)) ? 'integer' : 'number';
    case 'boolean':
      return 'boolean';
    case 'string':
      return textType(values.filter((value) => typeof value === 'string'));
    case null:
      return 'text';
  }
}

/** The JSON type most values have; of two equally frequent ones the one that came first. */
function commonType(values: readonly unknown[]): JsonType | null {
  const counts = new Map<JsonType, number>();
  for (const value of values) {
    const type = scalarType(value);
    if (type !== null) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  let best: JsonType | null = null;
  for (const [type, count] of counts) if (best === null || count > (counts.get(best) ?? 0)) best = type;
  return best;
}

function scalarType(value: unknown): JsonType | null {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? (typeof value as JsonType) : null;
}

function textType(texts: readonly string[]): 'datetime' | 'category' | 'text' {
  if (texts.every((text) => parseDatetime(text) !== null)) return 'datetime';
  const words = createDictionary(texts.length);
  for (const [row, text] of texts.entries()) words.set(row, text);
  return looksLikeCategory(words) ? 'category' : 'text';
}

interface ImportedColumn {
  readonly column: Column;
  readonly categories: readonly (string | number | boolean)[] | null;
}

function importColumn(
  name: string,
  records: readonly Row[],
  type: Column['type'],
  requested: RequestedColumn | undefined,
  faults: FaultCollector,
): ImportedColumn {
  const check = valueCheck(type, records, name, requested);
  const accepted = records.map((record, row) => {
    const value = ownValue(record, name);
    const fault = value === undefined || value === null ? missingFault(name, requested) : check(value);
    if (fault === null) return value ?? null;
    faults.add({ pointer: pointerToValue(row, name), ...fault });
    return null;
  });
  return buildColumn(name, type, accepted, requested);
}

type ValueFault = Omit<Fault, 'pointer'>;

function missingFault(name: string, requested: RequestedColumn | undefined): ValueFault | null {
  return requested?.nullable === false
    ? { code: 'missing_value', detail: `Column "${name}" has \`nullable: false\`, but this row has no value.` }
    : null;
}

/** What each value of a column is checked with. The labels of a category all have the type that most of them have. */
function valueCheck(
  type: Column['type'],
  records: readonly Row[],
  name: string,
  requested: RequestedColumn | undefined,
): (value: unknown) => ValueFault | null {
  if (type === 'sequence') return sequenceFault;
  const expected =
    type === 'category'
      ? (commonType(requested?.categories ?? records.map((record) => ownValue(record, name))) ?? 'string')
      : JSON_TYPE_OF[type];
  const allowed = requested?.categories && new Set<unknown>(requested.categories);
  const shown = requested?.categories?.slice(0, 50);
  return (value) => {
    if (typeof value !== expected) {
      return {
        code: 'wrong_type',
        detail: `Expected a ${expected}, received ${describe(value)}.`,
        expected,
        received: jsonTypeName(value),
      };
    }
    if (allowed !== undefined && !allowed.has(value)) return unknownCategory(value, shown);
    if (typeof value === 'number') return numberFault(value, type);
    if (typeof value === 'string') return textFault(value, type);
    return null;
  };
}

const JSON_TYPE_OF = { number: 'number', integer: 'number', boolean: 'boolean', datetime: 'string', text: 'string' } as const;

function sequenceFault(value: unknown): ValueFault | null {
  if (isSequence(value)) return null;
  const detail = `A list of at most ${SEQUENCE_LENGTH_MAX} numbers is expected here.`;
  return { code: 'wrong_type', detail, expected: 'array', received: jsonTypeName(value) };
}

function numberFault(value: number, type: Column['type']): ValueFault | null {
  if (Math.abs(value) > MAGNITUDE_MAX) {
    return {
      code: 'out_of_range',
      detail: `Numbers beyond ±${MAGNITUDE_MAX} have no usable mean and deviation.`,
      expected: { max: MAGNITUDE_MAX },
    };
  }
  if (type === 'integer' && !Number.isInteger(value))
    return { code: 'not_an_integer', detail: 'A whole number is expected here.', received: value };
  return null;
}

function unknownCategory(value: unknown, expected: unknown): ValueFault {
  return {
    code: 'unknown_category',
    detail: 'Not one of the categories of this column.',
    expected,
    received: typeof value === 'string' ? shownValue(value) : value,
  };
}

function textFault(value: string, type: Column['type']): ValueFault | null {
  if (value.length > CELL_CHARS_MAX) {
    return { code: 'cell_too_long', detail: `A text is longer than ${CELL_CHARS_MAX} characters.`, expected: { max: CELL_CHARS_MAX } };
  }
  if (type === 'datetime' && parseDatetime(value) === null) {
    return {
      code: 'not_a_datetime',
      detail: 'A date or an RFC 3339 time is expected here.',
      expected: 'datetime',
      received: shownValue(value),
    };
  }
  return null;
}

function buildColumn(
  name: string,
  type: Column['type'],
  values: readonly unknown[],
  requested: RequestedColumn | undefined,
): ImportedColumn {
  if (type === 'number' || type === 'integer') {
    const numbers = Float64Array.from(values, (value) => (typeof value === 'number' ? value : Number.NaN));
    return { column: { name, type, values: numbers }, categories: null };
  }
  const words = createDictionary(values.length, type === 'boolean' ? ['false', 'true'] : (requested?.categories?.map(String) ?? []));
  for (const [row, value] of values.entries())
    if (value !== null) words.set(row, type === 'sequence' ? JSON.stringify(value) : String(value));
  if (type !== 'category') return { column: { name, type, dictionary: words.dictionary, codes: words.codes }, categories: null };
  const labels = commonType(requested?.categories ?? values);
  const column = categoryColumn(name, words, labels === 'number');
  return { column, categories: column.dictionary.map((text) => labelOf(text, labels)) };
}

/** A label in the JSON type it was posted with. */
function labelOf(text: string, type: JsonType | null): string | number | boolean {
  if (type === 'number') return Number(text);
  return type === 'boolean' ? text === 'true' : text;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `the text "${shownValue(value)}"` : jsonTypeName(value);
}

function jsonTypeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
