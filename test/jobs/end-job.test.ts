import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTransaction } from '../../src/db/transaction.ts';
import { encodeSafetensors } from '../../src/engine/index.ts';
import type { ClaimedJob } from '../../src/jobs/execution-store.ts';
import { newId } from '../../src/lib/ids.ts';
import { call } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { irisRequest, type JobsApp, startJobsApp } from './jobs-app.ts';

let app: JobsApp;
beforeAll(async () => {
  app = await startJobsApp(['iris']);
});
afterAll(() => app.close());

const WEIGHTS = encodeSafetensors([{ name: 'dense/kernel', shape: [2, 2], data: Float32Array.of(1, 2.5, -3, 0.1) }], {
  labels: '["a","b"]',
  spec: '{"layers":[]}',
});
const PROGRESS = { fraction: 1, epoch: 5, epochs: 5, step: 20, steps: 20, eta_seconds: 0, samples_per_second: 100 };

async function queued(): Promise<string> {
  return (await app.post(irisRequest(app.datasetId('iris')))).body.id;
}

async function running(): Promise<ClaimedJob> {
  const job = await app.executions.claim(await queued(), 'wrk_test');
  if (job === null) throw new Error('the job could not be claimed');
  return job;
}

async function succeeded(): Promise<string> {
  const job = await running();
  const result = { metrics: { loss: 0.1 }, converged: true, weights_sha256: 'x' };
  await app.executions.finishSucceeded(job, {
    stopReason: 'completed',
    result,
    receipt: {},
    progress: PROGRESS,
    weightsFile: WEIGHTS,
    version: null,
  });
  return job.lease.jobId;
}

async function failed(): Promise<string> {
  const { lease } = await running();
  await app.executions.finishFailed(lease, 'error', { code: 'internal', detail: 'It broke.', errors: [], hint: null });
  return lease.jobId;
}

const retry = (id: string) => call(`${app.url}/v1/jobs/${id}/retry`, { method: 'POST' });

/** Whether a statement waits for a row that another one holds. */
async function isAnyoneWaiting(): Promise<boolean> {
  const { rowCount } = await app.database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount !== 0;
}

describe('cancelling a job', () => {
  test('a queued one ends at once and will not be rung for', async () => {
    const id = await queued();
    const { status, body } = await app.cancel(id);
    expect([status, body.status, body.stop_reason, body.queue_position]).toEqual([200, 'cancelled', 'cancelled', null]);
    expect(await app.executions.claim(id, 'wrk_test')).toBeNull();
    const { rows } = await app.database.pool.query('SELECT 1 FROM outbox WHERE job_id = $1', [id]);
    expect(rows).toEqual([]);
  });

  test('a running one is asked to stop, and its worker learns it', async () => {
    const { lease } = await running();
    const { status, body } = await app.cancel(lease.jobId);
    expect([status, body.status, body.wish]).toEqual([202, 'running', 'cancel']);
    const { rows } = await app.database.pool.query('SELECT wish FROM job WHERE id = $1', [lease.jobId]);
    expect(rows).toEqual([{ wish: 'cancel' }]);
  });

  test('a cancelled one gives the same reply again', async () => {
    const id = await queued();
    const first = await app.cancel(id);
    const second = await app.cancel(id);
    expect([second.status, second.body]).toEqual([200, first.body]);
  });

  test.each([
    ['succeeded', succeeded],
    ['failed', failed],
  ])('one that has %s is a conflict', async (_, ended) => {
    const { status, body } = await app.cancel(await ended());
    expect([status, body.code]).toEqual([409, 'state_conflict']);
  });

  test('one that has succeeded and kept no checkpoint can only be deleted', async () => {
    const { body } = await app.cancel(await succeeded());
    expect(body).toMatchObject({ detail: 'The job is succeeded: it cannot cancel; it can only be deleted.', allowed: [] });
  });

  test('one that does not exist is not found, a malformed id is said to be malformed', async () => {
    expect((await app.cancel(newId('job'))).status).toBe(404);
    const { status, body } = await app.cancel('job_1');
    expect([status, body.code]).toEqual([400, 'invalid_id']);
  });
});

describe('asking something of a job', () => {
  const pause = (id: string) => call(`${app.url}/v1/jobs/${id}/pause`, { method: 'POST' });

  test('that would change nothing is not offered', async () => {
    const id = await queued();
    expect((await retry(id)).body).toMatchObject({ code: 'state_conflict', allowed: ['cancel', 'stop', 'pause'] });
    await app.cancel(id);
    expect((await pause(id)).body).toMatchObject({ code: 'state_conflict', allowed: ['retry from checkpoint', 'retry from start'] });
  });

  test('that its worker is to leave waits for that', async () => {
    const { lease } = await running();
    await app.cancel(lease.jobId);
    const { body } = await pause(lease.jobId);
    const detail = 'The job is running and is asked to cancel: it cannot pause; nothing else can be asked of it.';
    expect(body).toMatchObject({ detail, allowed: [] });
  });
});

describe('retrying a job', () => {
  const deleted = 'and its dataset was deleted: it cannot retry from checkpoint; it can only be deleted.';

  /** A cancelled job on a dataset of its own. */
  async function cancelled(): Promise<{ id: string; dataset: string }> {
    const { body } = await call(`${app.url}/v1/datasets`, { method: 'POST', body: { builtin: 'iris' } });
    const { id } = (await app.post(irisRequest(body.id))).body;
    await app.cancel(id);
    return { id, dataset: body.id };
  }

  test('whose dataset was deleted is a conflict that says so, and changes nothing', async () => {
    const { id, dataset } = await cancelled();
    expect((await call(`${app.url}/v1/datasets/${dataset}`, { method: 'DELETE' })).status).toBe(204);
    const before = (await app.get(`/v1/jobs/${id}`)).body;
    expect(await retry(id)).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', detail: `The job is cancelled ${deleted}`, job_status: 'cancelled', allowed: [] },
    });
    expect((await app.get(`/v1/jobs/${id}`)).body).toEqual(before);
  });

  test('whose dataset is being deleted waits for that', async () => {
    const { id } = await cancelled();
    const { retrying } = await withTransaction(app.database.pool, async (client) => {
      await client.query('UPDATE job SET dataset_id = NULL WHERE id = $1', [id]);
      const retrying = retry(id);
      await eventually('the retry waits for the row', async () => ((await isAnyoneWaiting()) ? true : null));
      return { retrying };
    });
    expect(await retrying).toMatchObject({ status: 409, body: { detail: `The job is cancelled ${deleted}` } });
  });

  test('that has its dataset puts it into the queue', async () => {
    const { id } = await cancelled();
    expect(await retry(id)).toMatchObject({ status: 202, body: { status: 'queued', retries: 1 } });
  });
});

describe('deleting a job', () => {
  test('an ended one goes with all its rows and bytes', async () => {
    const id = await succeeded();
    const blob = (await app.database.prisma.job.findUniqueOrThrow({ where: { id } })).weightsBlobId ?? '';
    expect((await app.remove(id)).status).toBe(204);
    expect((await app.get(`/v1/jobs/${id}`)).status).toBe(404);
    expect(await app.database.prisma.jobEvent.count({ where: { jobId: id } })).toBe(0);
    expect(await app.database.prisma.blob.count({ where: { id: blob } })).toBe(0);
  });

  test('one that has not ended is a conflict', async () => {
    expect((await app.remove(await queued())).body.code).toBe('state_conflict');
    expect((await app.remove((await running()).lease.jobId)).status).toBe(409);
  });
});

describe('the weights of a job', () => {
  test('are the very bytes that were stored', async () => {
    const reply = await fetch(`${app.url}/v1/jobs/${await succeeded()}/weights`);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-disposition')).toMatch(/^attachment; filename="job_\w+\.safetensors"$/);
    expect(reply.headers.get('etag')).toBe(`"${createHash('sha256').update(WEIGHTS).digest('hex')}"`);
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(new Uint8Array(WEIGHTS));
  });

  test.each([
    ['bytes=0-7', 0, 8],
    ['bytes=8-', 8, undefined],
    ['bytes=-16', -16, undefined],
  ])('come in part for %s', async (range, start, end) => {
    const reply = await fetch(`${app.url}/v1/jobs/${await succeeded()}/weights`, { headers: { range } });
    expect(reply.status).toBe(206);
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(new Uint8Array(WEIGHTS).slice(start, end));
  });

  test('a range beyond the end is refused with the length', async () => {
    const reply = await fetch(`${app.url}/v1/jobs/${await succeeded()}/weights`, { headers: { range: 'bytes=999999-' } });
    expect([reply.status, reply.headers.get('content-range')]).toEqual([416, `bytes */${WEIGHTS.length}`]);
  });

  test('are not sent again to who has them', async () => {
    const url = `${app.url}/v1/jobs/${await succeeded()}/weights`;
    const etag = (await fetch(url)).headers.get('etag') ?? '';
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('as JSON hold the same numbers', async () => {
    const { body } = await app.get(`/v1/jobs/${await succeeded()}/weights?format=json`);
    expect(body).toEqual({
      metadata: { labels: ['a', 'b'], spec: { layers: [] } },
      tensors: { 'dense/kernel': { dtype: 'F32', shape: [2, 2], data: [1, 2.5, -3, Math.fround(0.1)] } },
    });
  });

  test('are a conflict until the job has succeeded, whatever else it did', async () => {
    expect((await app.get(`/v1/jobs/${await queued()}/weights`)).body.code).toBe('state_conflict');
    expect((await app.get(`/v1/jobs/${await failed()}/weights`)).status).toBe(409);
  });
});

describe('the list of jobs', () => {
  test('is newest first, paged, and filtered by status', async () => {
    const ids = [await queued(), await queued(), await queued()];
    await app.cancel(ids[1] ?? '');
    const waiting = (await app.get('/v1/jobs?status=queued&limit=1')).body;
    expect(waiting.data.map((job: { id: string }) => job.id)).toEqual([ids[2]]);
    const next = (await app.get(`/v1/jobs?status=queued&limit=1&cursor=${waiting.next_cursor}`)).body;
    expect(next.data.map((job: { id: string }) => job.id)).toEqual([ids[0]]);
    expect(next.data[0].queue_position).toBe(waiting.data[0].queue_position - 1);
  });

  test.each(['status=done', 'limit=0', 'limit=101', 'cursor=x', 'colour=red'])('refuses %s', async (query) => {
    expect((await app.get(`/v1/jobs?${query}`)).status).toBe(400);
  });
});
