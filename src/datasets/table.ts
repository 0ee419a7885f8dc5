/** A parsed dataset in memory, column by column. */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
}

export type Column = NumberColumn | TextColumn;

/** NaN is a missing value: a cell that holds no finite number is refused at import. */
export interface NumberColumn {
  readonly name: string;
  readonly type: 'number' | 'integer';
  readonly values: Float64Array;
  /** Of a column in a file, whose `values` are read whenever they are asked for: those of some rows. */
  readonly read?: (from: number, to: number) => Float64Array;
}

/**
 * Values as indices into a dictionary; -1 is a missing value. Booleans have the dictionary `['false', 'true']`, sequences their
 * lists of numbers as JSON.
 */
export interface TextColumn {
  readonly name: string;
  readonly type: 'category' | 'boolean' | 'datetime' | 'text' | 'sequence';
  readonly dictionary: readonly string[];
  readonly codes: Int32Array;
  /** Of a column in a file, whose `codes` are read whenever they are asked for: those of some rows. */
  readonly read?: (from: number, to: number) => Int32Array;
}

/** One column of a dataset's schema, as the API shows it. */
export interface ColumnSchema {
  readonly name: string;
  readonly type: Column['type'];
  readonly nullable: boolean;
  /** Distinct values of a category, sorted; they keep their JSON type. */
  readonly categories?: readonly (string | number | boolean)[];
  /** Of a sequence: numbers of the longest one. Shorter ones are padded with 0 at the end. */
  readonly length?: number;
  readonly missing: MissingPolicy;
  /** What a missing value becomes when `missing` is `constant`. */
  readonly fill?: string | number | boolean;
  readonly unknown: UnknownPolicy;
  readonly encode: Encoding;
  /** Rows without a value in this column. */
  readonly missing_rows: number;
  /** How many different values the column holds; null when more than `DISTINCT_MAX`. */
  readonly distinct: number | null;
}

/** `interpolate` fills gaps between neighbours, which only rows in an order have: those of a forecast. */
export type MissingPolicy = 'error' | 'mean' | 'median' | 'mode' | 'constant' | 'interpolate';
export type UnknownPolicy = 'error' | 'bucket' | 'mode';
export type Encoding = 'standardize' | 'minmax' | 'one_hot' | 'index' | 'none';

/** Distinct values are counted up to here, and a column with more is never a category. */
export const DISTINCT_MAX = 1000;

/** The column of a name, or undefined. */
export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

/** Rows `from` to `to` (exclusive) as a table of their own. */
export function sliceTable({ columns }: Table, from: number, to: number): Table {
  return { rows: to - from, columns: columns.map((column) => sliceColumn(column, from, to)) };
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const { name } = column;
  if (isNumberColumn(column)) return { name, type: column.type, values: column.read?.(from, to) ?? column.values.subarray(from, to) };
  const { type, dictionary } = column;
  return { name, type, dictionary, codes: column.read?.(from, to) ?? column.codes.subarray(from, to) };
}

/** Whether a column keeps numbers, in the sense of its storage. */
export function isNumberColumn(column: Column): column is NumberColumn {
  return column.type === 'number' || column.type === 'integer';
}

/** What a user fixes about a column; everything left out is inferred or has its default. */
export interface RequestedColumn {
  readonly name: string;
  readonly type?: ColumnSchema['type'];
  readonly nullable?: boolean;
  readonly categories?: readonly (string | number | boolean)[];
  readonly missing?: MissingPolicy;
  readonly fill?: string | number | boolean;
  readonly unknown?: UnknownPolicy;
  readonly encode?: Encoding;
}
