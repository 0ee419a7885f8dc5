import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { commitEpochs } from '../../src/jobs/epoch-commit.ts';
import type { ClaimedJob } from '../../src/jobs/execution-store.ts';
import { createLeaseRecovery } from '../../src/jobs/lease-recovery.ts';
import { IDENTITY } from '../support/job-rows.ts';
import { openEvents } from './event-reader.ts';
import { irisRequest, type JobsApp, startJobsApp } from './jobs-app.ts';

let app: JobsApp;
let id: string;
beforeAll(async () => {
  app = await startJobsApp(['iris']);
});
beforeEach(async () => {
  id = (await app.post(irisRequest(app.datasetId('iris')))).body.id;
});
afterAll(() => app.close());

async function claim(): Promise<ClaimedJob> {
  const job = await app.executions.claim(id, 'wrk_test');
  if (job === null) throw new Error('the job could not be claimed');
  return job;
}

function commitEpoch(job: ClaimedJob, epoch: number, loss = 1 / epoch): Promise<void> {
  const best = { epoch, metric: 'loss', value: loss };
  return commitEpochs({ pool: app.database.pool, blobs: app.blobs, leaseSeconds: 60, identity: IDENTITY }, job.lease, {
    epochs: [{ epoch, step: epoch * 4, metrics: { loss }, learning_rate: 0.001, seconds: 0.5, best }],
    state: null,
    keep: 1,
    progress: { fraction: epoch / 5, epoch, epochs: 5, step: epoch * 4, steps: 20, eta_seconds: 1, samples_per_second: 100 },
  });
}

describe('waiting for a job', () => {
  test('answers at the next change of status', async () => {
    const waiting = app.get(`/v1/jobs/${id}?wait=60`);
    const { status, body } = await changing(waiting, async () => {
      const { lease } = await claim();
      await app.executions.release(lease);
    });
    expect(status).toBe(200);
    expect(body.attempt).toBeGreaterThan(0);
  });

  test('answers at the next epoch', async () => {
    const job = await claim();
    let epoch = 0;
    const waiting = app.get(`/v1/jobs/${id}?wait=60`);
    const { body } = await changing(waiting, async () => {
      epoch += 1;
      await commitEpoch(job, epoch);
    });
    expect([body.status, body.progress.epoch > 0]).toEqual(['running', true]);
  });

  test('answers at once when the job has ended', async () => {
    await app.cancel(id);
    const { body } = await app.get(`/v1/jobs/${id}?wait=60`);
    expect(body.status).toBe('cancelled');
  });

  test('answers with the unchanged job when nothing happens', async () => {
    const { status, body } = await app.get(`/v1/jobs/${id}?wait=0.2`);
    expect([status, body.status]).toEqual([200, 'queued']);
  });

  test.each(['-1', '61', 'soon'])('refuses to wait for %s seconds', async (wait) => {
    expect((await app.get(`/v1/jobs/${id}?wait=${wait}`)).status).toBe(400);
  });

  /** Changes the job until the reply is there: the first change may come before the server has looked at the job. */
  async function changing<Reply>(reply: Promise<Reply>, change: () => Promise<void>): Promise<Reply> {
    let answered = false;
    void reply.finally(() => {
      answered = true;
    });
    while (!answered) await change();
    return reply;
  }
});

describe('the events of a job', () => {
  test('a stream tells each event as it comes and ends after done', async () => {
    const events = await openEvents(`${app.url}/v1/jobs/${id}/events`);
    expect(await events.next('status')).toMatchObject({ id: '1', data: { status: 'queued' } });
    const job = await claim();
    expect(await events.next('status')).toMatchObject({ id: '2', data: { status: 'running', attempt: 1 } });
    await commitEpoch(job, 1);
    expect(await events.next('epoch')).toMatchObject({ data: { epoch: 1, step: 4, metrics: { loss: 1 }, learning_rate: 0.001 } });
    await app.executions.finishLeft(job.lease, 'cancelled');
    expect(await events.next('done')).toMatchObject({ data: { status: 'cancelled', stop_reason: 'cancelled' } });
    expect(await events.rest()).toEqual([]);
  });

  test('a stream goes on after the Last-Event-ID, without a gap and without a repetition', async () => {
    const job = await claim();
    for (let epoch = 1; epoch <= 3; epoch += 1) await commitEpoch(job, epoch);
    await app.executions.finishLeft(job.lease, 'cancelled');
    const listed = (await app.get(`/v1/jobs/${id}/events`)).body.data;
    const stream = await openEvents(`${app.url}/v1/jobs/${id}/events`, { 'last-event-id': '3' });
    const seen = (await stream.rest()).filter((event) => event.id !== undefined);
    expect(seen.map((event) => Number(event.id))).toEqual(listed.slice(3).map((event: { id: number }) => event.id));
    expect(seen.map(({ event, data }) => ({ event, data }))).toEqual(
      listed.slice(3).map(({ event, data }: { event: string; data: unknown }) => ({ event, data })),
    );
  });

  test('progress carries no id', async () => {
    const job = await claim();
    const stream = await openEvents(`${app.url}/v1/jobs/${id}/events`);
    await stream.next('progress');
    await commitEpoch(job, 1);
    const progress = await stream.next('progress');
    expect(progress).toMatchObject({ data: { epoch: 1, epochs: 5, step: 4 } });
    expect(progress.id).toBeUndefined();
    await stream.close();
  });

  test('coming back after the end is answered with 204', async () => {
    await app.cancel(id);
    const last = (await app.get(`/v1/jobs/${id}/events`)).body.data.at(-1);
    expect(last.event).toBe('done');
    const { status } = await app.get(`/v1/jobs/${id}/events`, { accept: 'text/event-stream', 'last-event-id': String(last.id) });
    expect(status).toBe(204);
  });

  test('a Last-Event-ID that is none is refused', async () => {
    expect((await app.get(`/v1/jobs/${id}/events`, { accept: 'text/event-stream', 'last-event-id': 'x' })).status).toBe(400);
  });

  test('the list is paged, oldest first', async () => {
    await app.cancel(id);
    const first = (await app.get(`/v1/jobs/${id}/events?limit=2`)).body;
    const second = (await app.get(`/v1/jobs/${id}/events?limit=2&cursor=${first.next_cursor}`)).body;
    expect([...first.data, ...second.data].map((event: { id: number }) => event.id)).toEqual([1, 2, 3]);
    expect([first.has_more, second.has_more, second.next_cursor]).toEqual([true, false, null]);
  });
});

describe('the timeline of a job', () => {
  test('tells that a worker died, and the job waits in the queue again', async () => {
    const job = await claim();
    await createLeaseRecovery(app.database.pool).interruptWorkers(['wrk_test']);
    const { body } = await app.get(`/v1/jobs/${id}`);
    expect(body.timeline.map((entry: { status: string }) => entry.status)).toEqual(['queued', 'running', 'interrupted']);
    expect(body.timeline[2]).toMatchObject({ attempt: job.attempt, reason: 'worker_lost' });
    expect([body.status, body.queue_position > 0]).toEqual(['interrupted', true]);
    const cancelled = await app.cancel(id);
    expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled']);
  });
});

describe('the epochs of a job', () => {
  test('are listed oldest first, with what is not finite said beside it', async () => {
    const job = await claim();
    await commitEpoch(job, 1);
    await commitEpoch(job, 2, Number.NaN);
    const { body } = await app.get(`/v1/jobs/${id}/epochs`);
    expect(body.data).toEqual([
      { epoch: 1, step: 4, metrics: { loss: 1 }, learning_rate: 0.001, seconds: 0.5 },
      { epoch: 2, step: 8, metrics: { loss: null, non_finite: { loss: 'NaN' } }, learning_rate: 0.001, seconds: 0.5 },
    ]);
    expect((await app.get(`/v1/jobs/${id}`)).body.latest_metrics).toEqual({ loss: null, non_finite: { loss: 'NaN' } });
  });

  test('up to a thousand come in one page', async () => {
    expect((await app.get(`/v1/jobs/${id}/epochs?limit=1000`)).status).toBe(200);
    expect((await app.get(`/v1/jobs/${id}/epochs?limit=1001`)).status).toBe(400);
  });
});
