import { longestSequence } from './sequence-syntax.ts';
import type { RequestedColumn } from './table.ts';
import { type Column, type ColumnSchema, DISTINCT_MAX, type Encoding, isNumberColumn, type MissingPolicy } from './table.ts';

/** Encodings a column of a type can have; the first is the default. */
export const ENCODINGS_BY_TYPE = {
  number: ['standardize', 'minmax', 'none'],
  integer: ['standardize', 'minmax', 'none'],
  datetime: ['standardize', 'minmax'],
  category: ['one_hot', 'index'],
  boolean: ['index', 'one_hot'],
  text: ['none'],
  sequence: ['none'],
} as const satisfies Record<Column['type'], readonly [Encoding, ...Encoding[]]>;

/** What can become of missing values in a column of a type; the first is the default. */
export const MISSING_BY_TYPE = {
  number: ['error', 'mean', 'median', 'constant', 'interpolate'],
  integer: ['error', 'mean', 'median', 'mode', 'constant', 'interpolate'],
  datetime: ['error', 'mean', 'median'],
  category: ['error', 'mode', 'constant'],
  boolean: ['error', 'mode', 'constant'],
  text: ['error'],
  sequence: ['error'],
} as const satisfies Record<Column['type'], readonly ['error', ...MissingPolicy[]]>;

/** The schema of an imported column: what was found in it, what the user asked for, and the defaults. */
export function schemaOfColumn(
  column: Column,
  requested: RequestedColumn | undefined,
  categories: readonly (string | number | boolean)[] | null,
): ColumnSchema {
  const missingRows = countMissing(column);
  return {
    name: column.name,
    type: column.type,
    nullable: requested?.nullable ?? missingRows > 0,
    ...(categories !== null && { categories }),
    ...(column.type === 'sequence' && { length: longestSequence(column.dictionary) }),
    missing: requested?.missing ?? 'error',
    ...(requested?.fill !== undefined && { fill: requested.fill }),
    unknown: requested?.unknown ?? 'error',
    encode: requested?.encode ?? ENCODINGS_BY_TYPE[column.type][0],
    missing_rows: missingRows,
    distinct: countDistinct(column),
  };
}

function countMissing(column: Column): number {
  let missing = 0;
  if (isNumberColumn(column)) {
    for (const value of column.values) if (Number.isNaN(value)) missing += 1;
  } else {
    for (const code of column.codes) if (code < 0) missing += 1;
  }
  return missing;
}

function countDistinct(column: Column): number | null {
  const seen = new Set<number>();
  const values = isNumberColumn(column) ? column.values : column.codes;
  for (const value of values) {
    if (Number.isNaN(value) || (!isNumberColumn(column) && value < 0)) continue;
    seen.add(value);
    if (seen.size > DISTINCT_MAX) return null;
  }
  return seen.size;
}
