import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type ClaimedJob, createExecutionStore } from '../../src/jobs/execution-store.ts';
import { createLeaseKeeper, type LeaseKeeper } from '../../src/jobs/lease-keeper.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';

const LEASE_SECONDS = 3;

describe('the leases of a worker', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let keeper: LeaseKeeper;
  let clockMs = 0;
  const onLost = vi.fn();
  const onWish = vi.fn();

  beforeEach(async () => {
    vi.clearAllMocks();
    clockMs = 0;
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
  });

  afterEach(async () => {
    await keeper.close();
    await database.close();
    await testDatabase.drop();
  });

  function open(databaseUrl = testDatabase.url): LeaseKeeper {
    keeper = createLeaseKeeper({ databaseUrl, leaseSeconds: LEASE_SECONDS, now: () => clockMs, onError: () => undefined });
    return keeper;
  }

  async function claim(): Promise<ClaimedJob> {
    const jobId = await insertJob(database.pool);
    const executions = createExecutionStore({
      pool: database.pool,
      blobs: createBlobStore(database.pool),
      leaseSeconds: LEASE_SECONDS,
      identity: IDENTITY,
      alone: true,
    });
    const job = await executions.claim(jobId, 'wrk_A');
    if (job === null) throw new Error('nothing was claimed');
    return job;
  }

  it('are renewed for as long as they are watched', async () => {
    const { lease } = await claim();
    const leaseUntil = async (): Promise<number> => {
      const { rows } = await database.pool.query('SELECT lease_until FROM job WHERE id = $1', [lease.jobId]);
      return rows[0].lease_until.getTime();
    };
    const before = await leaseUntil();
    open().watch(lease, { onLost, onWish }, clockMs);
    keeper.check();
    await expect.poll(leaseUntil, { timeout: 20_000 }).toBeGreaterThan(before);
    expect(onLost).not.toHaveBeenCalled();
  });

  it('are known to be lost once another worker has the job, and told so once', async () => {
    const { lease } = await claim();
    open().watch(lease, { onLost, onWish }, clockMs);
    await database.pool.query('UPDATE job SET fence = fence + 1 WHERE id = $1', [lease.jobId]);
    keeper.check();
    await expect.poll(() => onLost.mock.calls.length, { timeout: 20_000 }).toBe(1);
  });

  it('are given up by the own clock when the database cannot be reached', async () => {
    const { lease } = await claim();
    open('postgresql://nobody@127.0.0.1:1/nothing').watch(lease, { onLost, onWish }, clockMs);
    clockMs = (LEASE_SECONDS * 1000 * 2) / 3 + 1;
    await expect.poll(() => onLost.mock.calls.length, { timeout: 20_000 }).toBe(1);
  });

  it('bring what the owner wants', async () => {
    const { lease } = await claim();
    open().watch(lease, { onLost, onWish }, clockMs);
    await database.pool.query(`UPDATE job SET wish = 'cancel' WHERE id = $1`, [lease.jobId]);
    keeper.check();
    await expect.poll(() => onWish.mock.calls[0], { timeout: 20_000 }).toEqual(['cancel']);
    expect(onLost).not.toHaveBeenCalled();
  });
});
