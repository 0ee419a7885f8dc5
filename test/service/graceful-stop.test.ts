import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Program } from '../support/processes.ts';
import { availableQueueStores } from '../support/queue-stores.ts';
import { type SplitService, startSplitService } from '../support/split-service.ts';

interface JobEvent {
  readonly event: string;
  readonly data: { readonly status?: string; readonly epoch?: number };
}

/** Epochs long enough that a signal hits one in its middle. */
function digits(dataset: string, units: number, epochs: number): object {
  const layers = [
    { type: 'dense', units, activation: 'relu' },
    { type: 'dropout', rate: 0.2 },
    { type: 'dense', units, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  const training = { epochs, batch_size: 1, seed: 5, optimizer: { type: 'sgd', learning_rate: 0.001 } };
  return { dataset, target: 'digit', task: 'classification', spec: { layers }, training };
}

describe.each(await availableQueueStores())('a worker that is told to end, with the queue on %s', (kind) => {
  let service: SplitService;
  let dataset: string;

  beforeEach(async () => {
    service = await startSplitService(kind);
    dataset = await service.client.dataset('digits');
  });
  afterEach(() => service.stop());

  async function post(body: object): Promise<string> {
    const { status, body: job } = await service.client.post('/v1/jobs', body);
    expect(status).toBe(202);
    return job.id;
  }

  async function end(worker: Program): Promise<void> {
    worker.child.kill('SIGTERM');
    expect(await worker.exit()).toEqual({ code: 0, signal: null });
  }

  it('keeps the epoch under way, and another one goes on after it to the same bits', async () => {
    const body = digits(dataset, 384, 6);
    const leaving = await service.startWorker();
    const undisturbed = await service.client.train(body);
    const id = await post(body);
    const seen = await eventually('two epochs', async () => {
      const { epoch } = (await service.client.get(`/v1/jobs/${id}`)).body.progress;
      return epoch >= 2 ? epoch : null;
    });
    await end(leaving);
    expect((await service.client.get(`/v1/jobs/${id}`)).body).toMatchObject({ status: 'queued', attempt: 1 });
    await service.startWorker();
    const job = await service.client.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(job.result.weights_sha256).toBe(undisturbed.result.weights_sha256);

    const events: JobEvent[] = (await service.client.get(`/v1/jobs/${id}/events?limit=1000`)).body.data;
    expect(events.map(({ event }) => event)).not.toContain('interrupted');
    const resumedAt = events.findIndex(({ event }) => event === 'resumed');
    const kept = events.slice(0, resumedAt).findLast(({ event }) => event === 'epoch')?.data.epoch;
    expect(kept).toBeGreaterThan(seen);
    // What the first one has told is where the second one goes on: nothing is computed twice.
    expect(events[resumedAt]?.data.epoch).toBe(kept);
  });

  it('gives a job back without its epoch when that takes too long', async () => {
    const id = await post(digits(dataset, 4096, 2));
    const worker = await service.startWorker({ SHUTDOWN_GRACE_SECONDS: '1' });
    await eventually('steps of the first epoch', async () =>
      (await service.client.get(`/v1/jobs/${id}`)).body.progress.step > 0 ? true : null,
    );
    await end(worker);
    expect((await service.client.get(`/v1/jobs/${id}`)).body).toMatchObject({ status: 'queued', attempt: 1, progress: { epoch: 0 } });
    expect((await service.client.get(`/v1/jobs/${id}/checkpoints`)).body.data).toEqual([]);
    expect((await service.client.post(`/v1/jobs/${id}/cancel`, undefined)).body).toMatchObject({ status: 'cancelled' });
  });
});
