import { importCsv } from '../../src/datasets/csv-import.ts';
import type { ImportOutcome } from '../../src/datasets/import-outcome.ts';
import type { RequestedColumn } from '../../src/datasets/table.ts';
import { readRows } from '../../src/datasets/table-rows.ts';
import type { ByteSource } from '../../src/datasets/text-decoding.ts';

export const LIMITS = { rowsMax: 1_000_000, columnsMax: 1000 };

/** The bytes in pieces of `size`: borders in the middle of characters, quotes and line ends. */
function inPieces(content: string | Uint8Array, size = 3): ByteSource {
  const bytes = Buffer.from(content);
  return async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
}

export function importText(
  content: string | Uint8Array,
  { schema = [], limits = LIMITS, size = 3 }: { schema?: readonly RequestedColumn[]; limits?: typeof LIMITS; size?: number } = {},
): Promise<ImportOutcome> {
  return importCsv(inPieces(content, size), { schema, limits });
}

/** Rows of an import without faults, as arrays. */
export function rowsOf({ table, schema, faults }: ImportOutcome): unknown[][] {
  if (table === null) throw new Error(`unexpected faults: ${JSON.stringify(faults)}`);
  return readRows(table, schema, 0, table.rows).map((row) => Object.values(row));
}

export function typesOf({ schema }: Pick<ImportOutcome, 'schema'>): Record<string, string> {
  return Object.fromEntries(schema.map(({ name, type }) => [name, type]));
}
