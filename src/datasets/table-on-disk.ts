import { closeSync } from 'node:fs';
import { openAgain } from '../lib/nameless-file.ts';
import type { Table } from './table.ts';
import { openTableFile } from './table-file.ts';

/** A table that takes too much memory, in a file that is open in this process; with an empty file for its rows once encoded. */
export interface TableOnDisk {
  readonly rows: number;
  readonly tableFd: number;
  readonly rowsFd: number;
  /** Memory that rows read from there are to take. */
  readonly bytesAtOnce: number;
}

/** A table on disk as a thread reads it. */
export interface OpenTableFiles {
  readonly table: Table;
  readonly rowsFd: number;
  close(): void;
}

const SHARE_AT_ONCE = 8;
const BYTES_AT_ONCE_MAX = 64 * 1024 * 1024;

/** What is read at once where a dataset may take so much memory: several such parts are in memory together. */
export function bytesAtOnce(datasetMemoryBytes: number): number {
  return Math.min(BYTES_AT_ONCE_MAX, Math.floor(datasetMemoryBytes / SHARE_AT_ONCE));
}

/** Opens the files once more, for this thread. */
export function openTableFiles({ tableFd, rowsFd }: TableOnDisk, isNeeded: (column: { readonly name: string }) => boolean): OpenTableFiles {
  const table = openAgain(tableFd, 'r');
  const rows = openAgain(rowsFd, 'r+');
  return {
    table: openTableFile(table, isNeeded),
    rowsFd: rows,
    close: () => {
      closeSync(table);
      closeSync(rows);
    },
  };
}
