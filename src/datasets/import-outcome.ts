import type { RequestFault } from '../errors.ts';
import type { ColumnSchema, Table } from './table.ts';

/** Bounds of an import, from the configuration. */
export interface ImportLimits {
  readonly rowsMax: number;
  readonly columnsMax: number;
}

/** What an import found: the table, or everything that is wrong. The schema is as far as it could be known. */
export interface ImportOutcome {
  readonly table: Table | null;
  readonly schema: readonly ColumnSchema[];
  readonly rows: number;
  readonly faults: readonly RequestFault[];
}
