import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { insertJob } from '../support/job-rows.ts';

const PROJECT = 'prj_default';

let testDatabase: TestDatabase;
let database: Database;

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  // Before there is a connection: each timer is set and cleared by the same clock.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
});

afterEach(async () => {
  await database.close();
  vi.useRealTimers();
  await testDatabase.drop();
});

test('a job whose bytes take half a minute to remove is deleted all the same', async () => {
  const { pool, prisma } = database;
  const jobs = createJobStore(database);
  const id = await insertJob(pool, { doorbell: false });
  const blob = await withTransaction(pool, (client) => createBlobStore(pool).write(client, Buffer.from('weights')));
  await pool.query(`UPDATE job SET status = 'cancelled', weights_blob_id = $2 WHERE id = $1`, [id, blob.id]);
  await jobs.transaction(async (tx) => {
    await jobs.lockStatus(tx, PROJECT, id);
    await vi.advanceTimersByTimeAsync(29_000);
    await jobs.remove(tx, id);
  });
  expect([await prisma.job.count(), await prisma.blob.count()]).toEqual([0, 0]);
});
