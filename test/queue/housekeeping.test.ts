import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlobStore, createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createExecutionStore } from '../../src/jobs/execution-store.ts';
import { tidy } from '../../src/queue/housekeeping.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';
import { insertDataset } from '../support/training-jobs.ts';

const NOTHING = { idempotencyKeys: 0, blobs: 0, workers: 0, checkpoints: 0 };

describe('housekeeping', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let blobs: BlobStore;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
    blobs = createBlobStore(database.pool);
  });

  afterEach(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const query = async (sql: string, values: unknown[] = []) => (await database.pool.query(sql, values)).rows;
  const LIMITS = { days: 7, bytesMax: 1e9 };
  const failed = (error: Error) => expect.unreachable(error.message);
  const round = ({ onError = failed }: { onError?: (error: Error) => void } = {}) =>
    tidy({ pool: database.pool, checkpointLimits: LIMITS, onError }, () => false);

  async function write(bytes: string, age: string): Promise<string> {
    const { id } = await withTransaction(database.pool, (client) => blobs.write(client, Buffer.from(bytes)));
    await query('UPDATE blob SET created_at = now() - $2::interval WHERE id = $1', [id, age]);
    return id;
  }

  it('forgets replies after 48 hours, and not before', async () => {
    for (const [key, age] of [
      ['old', '48 hours 1 minute'],
      ['young', '47 hours 59 minutes'],
    ]) {
      await query(
        `INSERT INTO idempotency_key (project_id, route, key, request_hash, status, headers, body, created_at)
         VALUES ('prj_default', 'POST /v1/jobs', $1, 'x', 202, '{}', '{}', now() - $2::interval)`,
        [key, age],
      );
    }
    expect(await round()).toEqual({ ...NOTHING, idempotencyKeys: 1 });
    expect(await query('SELECT key FROM idempotency_key')).toEqual([{ key: 'young' }]);
  });

  it('removes bytes nobody refers to, once whoever wrote them had time to say what they are', async () => {
    const old = await Promise.all(Array.from({ length: 45 }, (_, n) => write(`forgotten ${n}`, '61 minutes')));
    const young = await write('just written', '59 minutes');
    expect(await round()).toEqual({ ...NOTHING, blobs: old.length });
    expect(await query('SELECT id FROM blob')).toEqual([{ id: young }]);
    expect(await query('SELECT DISTINCT blob_id FROM chunk')).toEqual([{ blob_id: young }]);
  });

  it('keeps the bytes of datasets, checkpoints, jobs and versions, however old', async () => {
    const { pool } = database;
    await insertDataset(pool, 'xor');
    const executions = createExecutionStore({ pool, blobs, leaseSeconds: 60, identity: IDENTITY, alone: true });
    const ended = await executions.claim(await insertJob(pool), 'wrk_A');
    if (ended === null) throw new Error('nothing was claimed');
    await executions.finishSucceeded(ended, {
      stopReason: 'completed',
      result: { metrics: {}, converged: true, weights_sha256: 'abc' },
      receipt: {},
      progress: { fraction: 1, epoch: 1, epochs: 1, step: 1, steps: 1, eta_seconds: 0, samples_per_second: null },
      weightsFile: Buffer.from('weights'),
      version: {
        modelName: 'kept',
        deployment: null,
        spec: {},
        metrics: {},
        preprocessing: {},
        signature: {},
        labels: null,
        golden: { instances: [{}], predictions: [{}] },
      },
    });
    const checkpoint = await write('state', '2 days');
    await query(`INSERT INTO checkpoint (id, job_id, epoch, step, blob_id) VALUES ('ckpt_1', $1, 1, 1, $2)`, [
      await insertJob(pool),
      checkpoint,
    ]);
    await query(`UPDATE blob SET created_at = now() - interval '2 days'`);
    const before = await query('SELECT id FROM blob ORDER BY id');
    expect(before).toHaveLength(3);
    await round();
    expect(await query('SELECT id FROM blob ORDER BY id')).toEqual(before);
    // The version's alone, and the job's alone.
    await query('UPDATE job SET weights_blob_id = NULL');
    await round();
    expect(await query('SELECT id FROM blob ORDER BY id')).toEqual(before);
    await query('UPDATE job SET weights_blob_id = weights.id FROM (SELECT weights_blob_id AS id FROM model_version) weights');
    await query('DELETE FROM model');
    await round();
    expect(await query('SELECT id FROM blob ORDER BY id')).toEqual(before);
  });

  it('forgets workers that have been silent for more than a day', async () => {
    for (const [id, age] of [
      ['wrk_dead', '25 hours'],
      ['wrk_silent', '23 hours'],
    ]) {
      await query(
        `INSERT INTO worker (id, pid, host, version, backend, slots, last_heartbeat_at) VALUES ($1, 1, 'here', '1', 'reference', 1, now() - $2::interval)`,
        [id, age],
      );
    }
    expect(await round()).toEqual({ ...NOTHING, workers: 1 });
    expect(await query('SELECT id FROM worker')).toEqual([{ id: 'wrk_silent' }]);
  });

  it.each([
    ['idempotency_key', { blobs: 1, workers: 1 }],
    ['blob', { idempotencyKeys: 1, workers: 1 }],
    ['worker', { idempotencyKeys: 1, blobs: 1 }],
  ])('reports that it cannot remove from %s, and does everything else', async (table, others) => {
    await write('forgotten', '2 hours');
    await query(
      `INSERT INTO idempotency_key (project_id, route, key, request_hash, status, headers, body, created_at)
       VALUES ('prj_default', 'POST /v1/jobs', 'old', 'x', 202, '{}', '{}', now() - interval '3 days')`,
    );
    await query(
      `INSERT INTO worker (id, pid, host, version, backend, slots, last_heartbeat_at)
       VALUES ('wrk_dead', 1, 'here', '1', 'reference', 1, now() - interval '2 days')`,
    );
    await query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not from here'; END $$`);
    await query(`CREATE TRIGGER refuse BEFORE DELETE ON ${table} EXECUTE FUNCTION refuse()`);
    const errors: Error[] = [];
    expect(await round({ onError: (error) => errors.push(error) })).toEqual({ ...NOTHING, ...others });
    expect(errors.map(({ message }) => message)).toEqual(['not from here']);
  });

  it('is done once by any number of processes at the same time', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, n) => write(`forgotten ${n}`, '2 hours')));
    const rounds = await Promise.all([round(), round(), round()]);
    const total = rounds.reduce((sum, removed) => sum + removed.blobs, 0);
    expect(total + (await round()).blobs).toBe(30);
    expect(await query('SELECT id FROM blob')).toEqual([]);
  });
});
