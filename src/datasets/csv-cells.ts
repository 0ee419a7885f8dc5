import type { DataFault } from '../errors.ts';
import { isCanonicalNumber, MAGNITUDE_MAX, parseBoolean, parseDatetime, parseNumber } from './cell-syntax.ts';
import { shownValue } from './fault-collector.ts';
import { parseSequence } from './sequence-syntax.ts';
import type { Column, RequestedColumn } from './table.ts';
import { categoryColumn, createDictionary, type DictionaryBuilder, looksLikeCategory } from './text-column.ts';

/** What is wrong with one cell; the caller knows the line. */
export type CellFault = Omit<DataFault, 'line' | 'column'>;

/** A column being filled from the texts of a CSV file, its type already known. */
export interface CellColumn {
  /** Takes a cell, or says what is wrong with it. */
  set(row: number, cell: string): CellFault | null;
  finish(): { readonly column: Column; readonly categories: readonly (string | number)[] | null };
}

/** A column of a requested or inferred type; `null` means category or text, whatever its values turn out to be. */
export function createCellColumn(
  name: string,
  type: Column['type'] | null,
  rows: number,
  requested: RequestedColumn | undefined,
): CellColumn {
  const column = bareColumn(name, type, rows, requested);
  if (requested?.nullable !== false) return column;
  return {
    ...column,
    set: (row, cell) =>
      cell === ''
        ? { code: 'missing_value', detail: `Column "${name}" has \`nullable: false\`, but this cell is empty.` }
        : column.set(row, cell),
  };
}

function bareColumn(name: string, type: Column['type'] | null, rows: number, requested: RequestedColumn | undefined): CellColumn {
  switch (type) {
    case 'number':
    case 'integer':
      return numberCells(name, type, rows);
    case 'boolean':
      return booleanCells(name, rows);
    case 'datetime':
      return datetimeCells(name, rows);
    case 'sequence':
      return sequenceCells(name, rows);
    case 'category':
    case 'text':
    case null:
      return textCells(name, type, rows, requested);
    default:
      return type satisfies never;
  }
}

function numberCells(name: string, type: 'number' | 'integer', rows: number): CellColumn {
  const values = new Float64Array(rows).fill(Number.NaN);
  return {
    set: (row, cell) => {
      if (cell === '') return null;
      const value = parseNumber(cell);
      if (value === null) return cellFault('not_a_number', cell, adviceFor(cell), type);
      if (Math.abs(value) > MAGNITUDE_MAX) {
        return cellFault('out_of_range', cell, `Numbers beyond ±${MAGNITUDE_MAX} have no usable mean and deviation.`, {
          max: MAGNITUDE_MAX,
        });
      }
      if (type === 'integer' && !Number.isInteger(value))
        return cellFault('not_an_integer', cell, 'A whole number is expected here.', type);
      values[row] = value;
      return null;
    },
    finish: () => ({ column: { name, type, values }, categories: null }),
  };
}

/** What to do about a text in a column of numbers. */
function adviceFor(cell: string): string {
  const text = cell.trim();
  if (/^\S*\d,\d+$/.test(text)) return 'Write the decimal separator as a point.';
  if (/^(?:nan|n\/?a|null|none)$/i.test(text)) return 'A missing value is an empty cell.';
  if (/inf/i.test(text) || Math.abs(Number(text)) === Number.POSITIVE_INFINITY) return 'A finite number is expected here.';
  return 'A decimal number such as -1.5 or 2e3 is expected here.';
}

function booleanCells(name: string, rows: number): CellColumn {
  const words = createDictionary(rows, ['false', 'true']);
  return {
    set: (row, cell) => {
      if (cell === '') return null;
      const value = parseBoolean(cell);
      if (value === null) return cellFault('not_a_boolean', cell, 'true or false is expected here.', 'boolean');
      words.set(row, String(value));
      return null;
    },
    finish: () => ({ column: { name, type: 'boolean', dictionary: words.dictionary, codes: words.codes }, categories: null }),
  };
}

function datetimeCells(name: string, rows: number): CellColumn {
  const words = createDictionary(rows);
  return {
    set: (row, cell) => {
      if (cell === '') return null;
      if (parseDatetime(cell) === null) {
        return cellFault(
          'not_a_datetime',
          cell,
          'A date (2026-01-31) or an RFC 3339 time (2026-01-31T08:00:00Z) is expected here.',
          'datetime',
        );
      }
      words.set(row, cell);
      return null;
    },
    finish: () => ({ column: { name, type: 'datetime', dictionary: words.dictionary, codes: words.codes }, categories: null }),
  };
}

function sequenceCells(name: string, rows: number): CellColumn {
  const words = createDictionary(rows);
  return {
    set: (row, cell) => {
      if (cell === '') return null;
      const list = parseSequence(cell);
      if (list === null) return cellFault('wrong_format', cell, 'A JSON array of numbers such as [3, 1, 2] is expected here.', 'sequence');
      words.set(row, JSON.stringify(list));
      return null;
    },
    finish: () => ({ column: { name, type: 'sequence', dictionary: words.dictionary, codes: words.codes }, categories: null }),
  };
}

function textCells(name: string, type: 'category' | 'text' | null, rows: number, requested: RequestedColumn | undefined): CellColumn {
  const declared = requested?.categories?.map(String);
  const allowed = declared && new Set(declared);
  const words = createDictionary(rows, declared);
  return {
    set: (row, cell) => {
      if (cell === '') return null;
      if (allowed && !allowed.has(cell))
        return cellFault('unknown_category', cell, `Not one of the categories of column "${name}".`, declared?.slice(0, 50));
      words.set(row, cell);
      return null;
    },
    finish: () => (isCategory(type, words) ? finishCategory(name, words) : { column: textColumn(name, words), categories: null }),
  };
}

function isCategory(type: 'category' | 'text' | null, words: DictionaryBuilder): boolean {
  return type === null ? looksLikeCategory(words) : type === 'category';
}

/** Labels that are all spelled as JSON spells numbers are numbers: digits declared as categories predict 7, not "7". */
function finishCategory(name: string, words: DictionaryBuilder) {
  const numeric = words.dictionary.length > 0 && words.dictionary.every(isCanonicalNumber);
  const column = categoryColumn(name, words, numeric);
  return { column, categories: numeric ? column.dictionary.map(Number) : column.dictionary };
}

function textColumn(name: string, { dictionary, codes }: DictionaryBuilder): Column {
  return { name, type: 'text', dictionary, codes };
}

function cellFault(code: string, cell: string, detail: string, expected: unknown): CellFault {
  return { value: shownValue(cell), code, detail, expected };
}
