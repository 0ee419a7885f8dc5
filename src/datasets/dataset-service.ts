import type { BlobStore } from '../blobs/blob-store.ts';
import type { Database, Tx } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { createTurns } from '../lib/turns.ts';
import { BUILTINS } from './builtins.ts';
import { importCsv } from './csv-import.ts';
import type { DatasetContent } from './dataset-schema.ts';
import type { DatasetInfo, DatasetStore, StoredDataset } from './dataset-store.ts';
import type { ImportLimits, ImportOutcome } from './import-outcome.ts';
import { importRows } from './json-import.ts';
import type { RequestedColumn, Table } from './table.ts';
import { encodeTable } from './table-file.ts';
import { createTableReader, type OpenedTable, type OpenOptions } from './table-reader.ts';
import { readRows, type Value } from './table-rows.ts';

export interface DatasetServiceDeps {
  readonly store: DatasetStore;
  readonly blobs: BlobStore;
  readonly database: Pick<Database, 'pool'>;
  readonly limits: ImportLimits & {
    /** Bytes a table may take together with its encoded rows; what takes more is read from disk. */
    readonly datasetMemoryBytes: number;
  };
  /** Bytes of tables kept in memory. */
  readonly cacheBytesMax: number;
}

export type DatasetService = ReturnType<typeof createDatasetService>;

export interface NewDatasetRequest {
  readonly name: string;
  readonly content: DatasetContent;
  readonly schema: readonly RequestedColumn[];
}

/** Finished columns are in memory while they are imported; uploads that wait for their turn are on disk. */
const IMPORTS_AT_ONCE = 2;

/** Tables to train on: import, look up, preview, remove. */
export function createDatasetService(deps: DatasetServiceDeps) {
  const { store, blobs, limits, cacheBytesMax } = deps;
  const takeTurn = createTurns(IMPORTS_AT_ONCE);
  const tables = createTableReader({ blobs, cacheBytesMax, datasetMemoryBytes: limits.datasetMemoryBytes });

  async function get(project: string, id: string): Promise<DatasetInfo> {
    return find(project, id);
  }

  async function find(project: string, id: string): Promise<StoredDataset> {
    const dataset = await store.find(project, id);
    if (dataset === null) throw absent();
    return dataset;
  }

  async function loadTable(project: string, id: string): Promise<Table> {
    return tables.load(await find(project, id));
  }

  return {
    /** Throws `not_found` for an id of another project as for one that does not exist. */
    get,

    list: (project: string, limit: number, after: string | null): Promise<readonly DatasetInfo[]> => store.list(project, limit, after),

    /** What the content would become, and everything that is wrong with it. Stores nothing. */
    inspect: (request: Pick<NewDatasetRequest, 'content' | 'schema'>): Promise<ImportOutcome> =>
      takeTurn(() => importContent(request, limits)),

    /** Imports and stores, or refuses with every fault. `alongside` runs in the transaction that creates the dataset. */
    create: (
      project: string,
      { name, content, schema: requested }: NewDatasetRequest,
      alongside: (tx: Tx, created: DatasetInfo) => Promise<void>,
    ): Promise<DatasetInfo> =>
      takeTurn(async () => {
        const outcome = await importContent({ content, schema: requested }, limits);
        if (outcome.table === null) throw refused(outcome);
        return keepTable(deps, project, { name, table: outcome.table, schema: outcome.schema }, alongside);
      }),

    async rename(project: string, id: string, name: string): Promise<DatasetInfo> {
      const dataset = await store.rename(project, id, name);
      if (dataset === null) throw absent();
      return dataset;
    },

    async remove(project: string, id: string): Promise<void> {
      const result = await store.remove(project, id);
      if (result === 'absent') throw absent();
      if (result === 'in_use') {
        throw new AppError('state_conflict', { detail: 'A job that has not ended uses this dataset; cancel the job or wait for its end.' });
      }
    },

    /** Rows `from` to `to` (exclusive) as objects by column name. */
    async readRows(project: string, id: string, from: number, to: number): Promise<Record<string, Value>[]> {
      const { schema } = await find(project, id);
      return readRows(await loadTable(project, id), schema, from, to);
    },

    /** The whole table, from memory when it was used lately. */
    loadTable,

    /** The table for a training whose rows take `encodedBytes` once encoded: in memory, or where that is too much on disk. */
    openTable: async (project: string, id: string, options: OpenOptions): Promise<OpenedTable> =>
      tables.open(await find(project, id), options),
  };
}

/**
 * The bytes go first, in a transaction of their own: they are many, and the other one should be short. When that one fails they
 * stay, for its answer may be all that got lost: housekeeping removes what no dataset refers to.
 */
async function keepTable(
  { store, blobs, database }: DatasetServiceDeps,
  project: string,
  { name, table, schema }: { name: string; table: Table; schema: ImportOutcome['schema'] },
  alongside: (tx: Tx, created: DatasetInfo) => Promise<void>,
): Promise<DatasetInfo> {
  const blob = await withTransaction(database.pool, (client) => blobs.write(client, piecesOf(table)));
  const dataset = { id: newId('dataset'), name, rows: table.rows, bytes: blob.bytes, sha256: blob.sha256, schema, blobId: blob.id };
  return store.create(project, dataset, alongside);
}

async function importContent(
  { content, schema }: Pick<NewDatasetRequest, 'content' | 'schema'>,
  limits: ImportLimits,
): Promise<ImportOutcome> {
  switch (content.kind) {
    case 'rows':
      return importRows(content.rows, { schema, limits });
    case 'file':
      return importCsv(content.open, { schema, limits });
    case 'builtin':
      return importCsv(BUILTINS[content.builtin].open, { schema: withOwn(schema, BUILTINS[content.builtin].schema), limits });
    default:
      return content satisfies never;
  }
}

function absent(): AppError {
  return new AppError('not_found', { detail: 'There is no dataset with this id.' });
}

/** Codes of faults that are a limit of the server rather than a mistake in the data. */
const LIMIT_CODES: readonly string[] = ['too_many_rows', 'too_many_columns'];

function refused({ faults }: ImportOutcome): AppError {
  const limit = faults.find((fault) => LIMIT_CODES.includes(fault.code));
  if (limit !== undefined) {
    return new AppError('limit_exceeded', { detail: limit.detail, errors: faults, members: { limit: Object(limit.expected).max } });
  }
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  const line = first !== undefined && 'line' in first && first.line !== undefined ? `Line ${first.line}: ` : '';
  return new AppError('dataset_invalid', { detail: `${line}${first?.detail}${more}`, errors: faults });
}

async function* piecesOf(table: Table): AsyncGenerator<Uint8Array> {
  yield* encodeTable(table);
}

/** What a built-in dataset says of its columns counts for those the request says nothing of. */
function withOwn(requested: readonly RequestedColumn[], own: readonly RequestedColumn[]): RequestedColumn[] {
  return [...requested, ...own.filter(({ name }) => requested.every((column) => column.name !== name))];
}
