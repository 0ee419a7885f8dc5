import type pg from 'pg';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { BUILTINS, type BuiltinName } from '../../src/datasets/builtins.ts';
import { importCsv } from '../../src/datasets/csv-import.ts';
import { encodeTable } from '../../src/datasets/table-file.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/lib/ids.ts';
import { type CheckedDataset, checkTrainingRequest } from '../../src/training/check-training-request.ts';
import { insertJob } from './job-rows.ts';

const LIMITS = { layersMax: 100, parametersMax: 1e8, arenaBytesMax: 1e10, datasetMemoryBytes: 1e8, epochsMax: 1e6 };

/** Stores a built-in dataset the way an upload does. */
export async function insertDataset(pool: pg.Pool, name: BuiltinName): Promise<CheckedDataset> {
  const { table, schema, rows } = await importCsv(BUILTINS[name].open, { limits: { rowsMax: 1e6, columnsMax: 1e4 } });
  if (table === null) throw new Error(`the built-in dataset ${name} does not import`);
  const blob = await withTransaction(pool, (client) => createBlobStore(pool).write(client, encodeTable(table)));
  const id = newId('dataset');
  await pool.query(
    `INSERT INTO dataset (id, project_id, name, status, rows, bytes, sha256, schema, blob_id)
     VALUES ($1, 'prj_default', $2, 'ready', $3, $4, $5, $6, $7)`,
    [id, name, rows, blob.bytes, blob.sha256, JSON.stringify(schema), blob.id],
  );
  return { id, rows, bytes: blob.bytes, sha256: blob.sha256, schema };
}

/** Queues a job for the body of a POST, checked and filled in as the API does. */
export async function postJob(pool: pg.Pool, dataset: CheckedDataset, body: object): Promise<string> {
  const { faults, checked } = checkTrainingRequest({ body: { dataset: dataset.id, ...body }, dataset, modelSpec: null, limits: LIMITS });
  if (checked === null) throw new Error(`the request has faults: ${JSON.stringify(faults)}`);
  return insertJob(pool, { request: checked.request, datasetId: dataset.id });
}
