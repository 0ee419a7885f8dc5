import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { insertCheckpoint, removeCheckpoints, thinCheckpoints } from '../../src/jobs/checkpoint-keeping.ts';
import { copyStart, holdCheckpoint } from '../../src/jobs/job-fork-store.ts';
import { tidy } from '../../src/queue/housekeeping.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';

const STATE_BYTES = 1000;

describe('checkpoints of ended jobs', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
  });

  afterEach(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const query = async (sql: string, values: unknown[] = []) => (await database.pool.query(sql, values)).rows;
  const inTransaction = <T>(work: Parameters<typeof withTransaction<T>>[1]) => withTransaction(database.pool, work);

  /** A job with a checkpoint after each of these epochs, in its final state for so many days. */
  async function jobWith(epochs: readonly number[], { status, days = 0 }: { status: string; days?: number }): Promise<string> {
    const jobId = await insertJob(database.pool, { doorbell: false });
    for (const epoch of epochs) await keep(jobId, epoch);
    await query(`UPDATE job SET status = $2, ended_at = now() - make_interval(days => $3) WHERE id = $1`, [jobId, status, days]);
    return jobId;
  }

  async function keep(jobId: string, epoch: number): Promise<string> {
    return inTransaction(async (client) => {
      const blob = await createBlobStore(database.pool).write(client, Buffer.alloc(STATE_BYTES, epoch));
      const id = await insertCheckpoint(client, { jobId, epoch, step: epoch, blobId: blob.id, ...IDENTITY });
      if (id === null) throw new Error('there is one already');
      return id;
    });
  }

  const epochsOf = async (jobId: string): Promise<number[]> =>
    (await query('SELECT epoch FROM checkpoint WHERE job_id = $1 ORDER BY epoch', [jobId])).map(({ epoch }) => epoch);
  const onError = (error: Error) => expect.unreachable(error.message);
  const round = ({ days = 7, bytesMax = 1e9 } = {}) =>
    tidy({ pool: database.pool, checkpointLimits: { days, bytesMax }, onError }, () => false);

  /** Whether a statement waits for a row that another one holds. */
  const isAnyoneWaiting = async (): Promise<boolean> =>
    (await query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length > 0;

  it('lose all but the newest and the pinned ones when they are old, bytes included', async () => {
    const old = await jobWith([1, 2, 3, 4], { status: 'failed', days: 8 });
    const young = await jobWith([1, 2], { status: 'failed', days: 6 });
    const running = await jobWith([1, 2], { status: 'running', days: 8 });
    await query('UPDATE checkpoint SET pinned = true WHERE job_id = $1 AND epoch = 2', [old]);
    await query(
      `UPDATE job SET best = json_build_object('epoch', 3, 'checkpoint', (SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = 3)) WHERE id = $1`,
      [old],
    );
    expect((await round()).checkpoints).toBe(2);
    expect(await Promise.all([old, young, running].map(epochsOf))).toEqual([
      [2, 4],
      [1, 2],
      [1, 2],
    ]);
    expect(await query('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: 6 }]);
  });

  it('make room when a project has too many bytes: spare ones first, then the last ones of jobs that succeeded', async () => {
    const failed = await jobWith([1, 2], { status: 'failed' });
    const succeeded = await jobWith([1, 2], { status: 'succeeded' });
    await round({ bytesMax: 3 * STATE_BYTES });
    expect(await Promise.all([failed, succeeded].map(epochsOf))).toEqual([[2], [1, 2]]);
    await round({ bytesMax: 2 * STATE_BYTES });
    expect(await Promise.all([failed, succeeded].map(epochsOf))).toEqual([[2], [2]]);
    await round({ bytesMax: 0 });
    expect(await Promise.all([failed, succeeded].map(epochsOf))).toEqual([[2], []]);
  });

  it('are thinned to the newest, the best and the pinned, and `best` never names one that is gone', async () => {
    const jobId = await jobWith([1, 2, 3, 4, 5], { status: 'running' });
    await query('UPDATE checkpoint SET pinned = true WHERE job_id = $1 AND epoch = 1', [jobId]);
    await query(
      `UPDATE job SET best = json_build_object('epoch', 2, 'checkpoint', (SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = 2)) WHERE id = $1`,
      [jobId],
    );
    await inTransaction((client) => thinCheckpoints(client, jobId, 2));
    expect(await epochsOf(jobId)).toEqual([1, 2, 4, 5]);
    const [best] = await query('SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = 2', [jobId]);
    await inTransaction((client) => removeCheckpoints(client, [best.id]));
    expect((await query('SELECT best FROM job WHERE id = $1', [jobId]))[0].best).toEqual({ epoch: 2, checkpoint: null });
  });

  it.each<[string, { status: string; days?: number }, (jobId: string) => Promise<unknown>]>([
    ['thinned', { status: 'running' }, (jobId) => inTransaction((client) => thinCheckpoints(client, jobId, 1))],
    ['too old', { status: 'failed', days: 8 }, () => round()],
    ['too much', { status: 'failed' }, () => round({ bytesMax: 0 })],
  ])('that are pinned after they were found %s, and before they are removed, stay whole', async (_, state, makeRoom) => {
    const jobId = await jobWith([1, 2, 3], state);
    await query(
      `UPDATE job SET best = json_build_object('epoch', 3, 'checkpoint', (SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = 2)) WHERE id = $1`,
      [jobId],
    );
    const [best] = await query('SELECT best::text FROM job WHERE id = $1', [jobId]);
    // The pin is not seen while they are chosen, and is there when the deletion has waited for its row.
    const { making } = await inTransaction(async (client) => {
      await client.query('UPDATE checkpoint SET pinned = true WHERE job_id = $1 AND epoch = 2', [jobId]);
      const making = makeRoom(jobId);
      await eventually('the deletion waits for the pin', async () => ((await isAnyoneWaiting()) ? true : null));
      return { making };
    });
    await making;
    expect(await epochsOf(jobId)).toEqual([2, 3]);
    expect(await query('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: 2 }]);
    expect(await query('SELECT best::text FROM job WHERE id = $1', [jobId])).toEqual([best]);
  });

  it('that are pinned go with the others where all of them are to go', async () => {
    const jobId = await jobWith([1, 2], { status: 'failed' });
    const pinned = await query('UPDATE checkpoint SET pinned = true WHERE job_id = $1 RETURNING id', [jobId]);
    expect(
      await inTransaction((client) =>
        removeCheckpoints(
          client,
          pinned.map(({ id }) => id),
        ),
      ),
    ).toBe(2);
    expect(await query('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: 0 }]);
  });

  it('keep the bytes that a fork shares, until the fork gives them up as well', async () => {
    const jobId = await jobWith([], { status: 'failed' });
    const id = await keep(jobId, 1);
    const fork = await insertJob(database.pool, { doorbell: false });
    // The fork is written while the checkpoint is being removed: the removal waits for it and then spares the bytes.
    const removal = await database.prisma.$transaction(async (tx) => {
      const held = await holdCheckpoint(tx, jobId, id);
      if (held === null) throw new Error('the checkpoint is there');
      await copyStart(tx, fork, { job: jobId, checkpoint: id, epoch: 1 }, held);
      return { removed: inTransaction((client) => removeCheckpoints(client, [id])) };
    });
    expect(await removal.removed).toBe(1);
    expect(await epochsOf(fork)).toEqual([1]);
    expect(await query('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: 1 }]);
    expect(await database.prisma.$transaction((tx) => holdCheckpoint(tx, jobId, id))).toBeNull();
    const [shared] = await query('SELECT id FROM checkpoint WHERE job_id = $1', [fork]);
    await inTransaction((client) => removeCheckpoints(client, [shared.id]));
    expect(await query('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: 0 }]);
  });
});
