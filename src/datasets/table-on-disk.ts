import { closeSync, openSync } from 'node:fs';
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

/**
 * Opens the files once more, for this thread: whoever ends the thread may close theirs at any time, and a number of a closed file
 * is soon that of another one. Files of a thread end with it.
 */
export function openTableFiles({ tableFd, rowsFd }: TableOnDisk, isNeeded: (column: { readonly name: string }) => boolean): OpenTableFiles {
  const table = openSync(`/dev/fd/${tableFd}`, 'r');
  const rows = openSync(`/dev/fd/${rowsFd}`, 'r+');
  return {
    table: openTableFile(table, isNeeded),
    rowsFd: rows,
    close: () => {
      closeSync(table);
      closeSync(rows);
    },
  };
}
