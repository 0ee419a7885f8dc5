import { afterEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { type Program, runProgram } from '../support/processes.ts';
import { availableQueueStores, openTestQueueStore } from '../support/queue-stores.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { clientOf } from '../support/service.ts';

const DIGITS = {
  target: 'digit',
  spec: {
    layers: [
      { type: 'dense', units: 64, activation: 'relu' },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  task: 'classification',
  training: { epochs: 40 },
};

/** Server-Sent Events of a job until the server closes the stream. */
async function eventsOf(url: string, job: string): Promise<{ event: string; data: { epoch?: number; status?: string } }[]> {
  const reply = await fetch(`${url}/v1/jobs/${job}/events`, { headers: { accept: 'text/event-stream' } });
  const blocks = (await reply.text()).split('\n\n').filter((block) => block.includes('data:'));
  return blocks.map((block) => ({
    event: /^event: ?(.*)$/m.exec(block)?.[1] ?? '',
    data: JSON.parse(/^data: ?(.*)$/m.exec(block)?.[1] ?? 'null'),
  }));
}

describe.each(await availableQueueStores())('two API processes and two workers with the queue on %s', (kind) => {
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function startAll(): Promise<{ apis: TestServer[]; workers: Program[] }> {
    const database = await createTestDatabase();
    closing.push(database.drop);
    const queue = await openTestQueueStore(kind, database.url);
    closing.push(queue.close);
    const { store, url } = queue.config;
    const env = { DATABASE_URL: database.url, QUEUE: store, REDIS_URL: store === 'redis' ? url : '' };
    const apis = await Promise.all([1, 2].map(() => startServer({ ...env, ROLE: 'api' })));
    for (const api of apis) closing.push(api.stop);
    const workers = [1, 2].map(() => runProgram('src/main.ts', [], { ...env, ROLE: 'worker', WORKER_CONCURRENCY: '1' }));
    for (const worker of workers) {
      closing.push(async () => {
        worker.child.kill('SIGTERM');
        await worker.exit();
      });
      await worker.line(/worker_ready/);
    }
    return { apis, workers };
  }

  it('show a job posted to one live on the other, and share the work', async () => {
    const { apis } = await startAll();
    const [here, there] = apis;
    if (here === undefined || there === undefined) throw new Error('two were started');
    const client = clientOf(here.url);
    const dataset = await client.dataset('digits');
    const posted = await Promise.all([1, 2].map((seed) => client.post('/v1/jobs', { dataset, ...DIGITS, training: { epochs: 40, seed } })));
    const jobs: string[] = posted.map(({ body }) => body.id);
    const streams = await Promise.all(jobs.map((job) => eventsOf(there.url, job)));
    for (const events of streams) {
      const epochs = events.filter(({ event }) => event === 'epoch').map(({ data }) => data.epoch);
      expect(epochs).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect(events.at(-1)).toMatchObject({ event: 'done', data: { status: 'succeeded' } });
    }
    const { body } = await clientOf(there.url).get('/v1/workers');
    expect(body.data).toHaveLength(2);
    const seen = await Promise.all(jobs.map((job) => clientOf(there.url).ended(job)));
    expect(seen.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  });
});
