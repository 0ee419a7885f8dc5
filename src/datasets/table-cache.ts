import type { Table } from './table.ts';
import { tableBytes } from './table-file.ts';

/** Tables by the SHA-256 of their content, the least recently used given up first. */
export interface TableCache {
  /** The table of this content, loaded once however many ask at the same time. */
  get(sha256: string, load: () => Promise<Table>): Promise<Table>;
}

export function createTableCache({ bytesMax }: { bytesMax: number }): TableCache {
  const tables = new Map<string, Table>();
  const loading = new Map<string, Promise<Table>>();
  let bytes = 0;

  function keep(sha256: string, table: Table): void {
    const size = tableBytes(table);
    if (size > bytesMax) return;
    tables.set(sha256, table);
    bytes += size;
    for (const [oldest, old] of tables) {
      if (bytes <= bytesMax) break;
      tables.delete(oldest);
      bytes -= tableBytes(old);
    }
  }

  async function loadOnce(sha256: string, load: () => Promise<Table>): Promise<Table> {
    try {
      const table = await load();
      keep(sha256, table);
      return table;
    } finally {
      loading.delete(sha256);
    }
  }

  return {
    get: (sha256, load) => {
      const kept = tables.get(sha256);
      if (kept !== undefined) {
        // A Map lists in order of insertion: the last one is the one used last.
        tables.delete(sha256);
        tables.set(sha256, kept);
        return Promise.resolve(kept);
      }
      const running = loading.get(sha256) ?? loadOnce(sha256, load);
      loading.set(sha256, running);
      return running;
    },
  };
}
