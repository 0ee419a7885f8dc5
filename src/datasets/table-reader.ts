import type { BlobStore } from '../blobs/blob-store.ts';
import { openNamelessFile } from '../lib/nameless-file.ts';
import type { StoredDataset } from './dataset-store.ts';
import type { Table } from './table.ts';
import { createTableCache } from './table-cache.ts';
import { decodeTable } from './table-file.ts';
import { bytesAtOnce, type TableOnDisk } from './table-on-disk.ts';

/** A table as a training reads it. */
export interface OpenedTable {
  readonly table: Table | TableOnDisk;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** What the rows take once they are encoded. */
  readonly encodedBytes: number;
  /** Ends the reading of a table that is brought to disk, with an AbortError. */
  readonly signal?: AbortSignal;
}

export interface TableReaderDeps {
  readonly blobs: Pick<BlobStore, 'readAll' | 'spool'>;
  /** Bytes of tables kept in memory. */
  readonly cacheBytesMax: number;
  /** Bytes a table may take together with its encoded rows; what takes more is read from disk. */
  readonly datasetMemoryBytes: number;
}

/** Brings stored tables into memory, or where they would take too much, to a local disk. */
export function createTableReader({ blobs, cacheBytesMax, datasetMemoryBytes }: TableReaderDeps) {
  const cache = createTableCache({ bytesMax: cacheBytesMax });
  const load = ({ sha256, blobId }: StoredDataset): Promise<Table> => {
    return cache.get(sha256, async () => decodeTable(await blobs.readAll(blobId)));
  };

  async function openOnDisk({ rows, sha256, blobId }: StoredDataset, signal?: AbortSignal): Promise<OpenedTable> {
    const file = await blobs.spool(blobId, sha256, signal);
    try {
      const encoded = await openNamelessFile();
      const table = { rows, tableFd: file.fd, rowsFd: encoded.fd, bytesAtOnce: bytesAtOnce(datasetMemoryBytes) };
      return {
        table,
        close: async () => {
          await Promise.all([file.close(), encoded.close()]);
        },
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  return {
    /** The whole table, from memory when it was used lately. */
    load,
    /** The table in memory, or in files where its rows, which take `encodedBytes` more once encoded, would take too much. */
    async open(dataset: StoredDataset, { encodedBytes, signal }: OpenOptions): Promise<OpenedTable> {
      if (dataset.bytes + encodedBytes > datasetMemoryBytes) return openOnDisk(dataset, signal);
      return { table: await load(dataset), close: () => Promise.resolve() };
    },
  };
}
