import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { LeaseLostError } from '../../src/jobs/job-fence.ts';
import { appendLog, LOG_LINES_MAX, writeLog } from '../../src/jobs/job-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { insertJob } from '../support/job-rows.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
});

afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

const lines = (count: number) => Array.from({ length: count }, (_, n) => ({ level: 'info', message: `line ${n}` }) as const);

async function messages(jobId: string): Promise<string[]> {
  const { rows } = await database.pool.query(`SELECT data ->> 'message' AS message FROM job_event WHERE job_id = $1 ORDER BY seq`, [jobId]);
  return rows.map(({ message }) => message);
}

it('keeps so many lines of a job, the last of which says that there is no more', async () => {
  const jobId = await insertJob(database.pool);
  const append = (count: number) => withTransaction(database.pool, (client) => appendLog(client, jobId, lines(count)));
  await append(LOG_LINES_MAX - 2);
  await append(1);
  expect((await messages(jobId)).at(-1)).toBe('line 0');
  await append(3);
  await append(3);
  const kept = await messages(jobId);
  expect([kept.length, kept.at(-2), kept.at(-1)]).toEqual([LOG_LINES_MAX, 'line 0', expect.stringContaining('left out')]);
});

it('takes nothing from a worker that has lost the job', async () => {
  const jobId = await insertJob(database.pool);
  await expect(writeLog(database.pool, { jobId, fence: 1 }, lines(1))).rejects.toBeInstanceOf(LeaseLostError);
  expect(await messages(jobId)).toEqual([]);
});
