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
}

/** Values as indices into a dictionary; -1 is a missing value. Booleans have the dictionary `['false', 'true']`. */
export interface TextColumn {
  readonly name: string;
  readonly type: 'category' | 'boolean' | 'datetime' | 'text';
  readonly dictionary: readonly string[];
  readonly codes: Int32Array;
}

/** One column of a dataset's schema, as the API shows it. */
export interface ColumnSchema {
  readonly name: string;
  readonly type: Column['type'];
  readonly nullable: boolean;
  /** Distinct values of a category, sorted. */
  readonly categories?: readonly (string | number | boolean)[];
  readonly missing: 'error' | 'mean' | 'median' | 'mode' | 'constant';
  readonly unknown: 'error' | 'bucket' | 'mode';
  readonly encode: 'standardize' | 'minmax' | 'one_hot' | 'index' | 'none';
}
