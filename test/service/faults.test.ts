import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findRedisServer, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';
import { type OwnRedis, ownPostgres, ownRedis } from '../support/backing-servers.ts';
import { eventually } from '../support/eventually.ts';
import { expectGone } from '../support/processes.ts';
import { type Service, startService } from '../support/service.ts';

const EPOCHS = 60;

/** Some seconds of work. */
function digits(dataset: string, epochs = EPOCHS) {
  const layers = [
    { type: 'dense', units: 256, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { dataset, target: 'digit', task: 'classification', spec: { layers }, training: { epochs, batch_size: 32, seed: 5 } };
}

/** These tests end and start servers again: only those that the service started for itself. */
const OWN_SERVERS = { DATABASE_URL: '', REDIS_URL: '', WORKER_CONCURRENCY: '1', LOG_LEVEL: 'info' };

const redisProgram = await findRedisServer();
const stores = redisProgram === null ? (['postgres'] as const) : (['redis', 'postgres'] as const);

describe.each(stores)('a service with its queue on %s', (kind) => {
  let service: Service;

  afterEach(() => service.stop());

  async function start(): Promise<void> {
    service = await startService({ ...OWN_SERVERS, QUEUE: kind });
  }

  async function post(body: object): Promise<string> {
    const { status, body: job } = await service.post('/v1/jobs', body);
    expect(status).toBe(202);
    return job.id;
  }

  /** A request whose connection to the database is cut meanwhile is answered with 503, and with nothing else. */
  const reachedEpoch = (job: string, epoch: number): Promise<true> =>
    eventually(`epoch ${epoch} of ${job}`, async () => {
      const { status, body } = await service.get(`/v1/jobs/${job}`);
      if (status !== 503) expect(status).toBe(200);
      return status === 200 && body.progress.epoch >= epoch ? true : null;
    });

  async function expectWhole(job: string, epochs = EPOCHS): Promise<void> {
    expect(await service.ended(job)).toMatchObject({ status: 'succeeded', stop_reason: 'completed' });
    const { body } = await service.get(`/v1/jobs/${job}/epochs?limit=1000`);
    expect(body.data.map(({ epoch }: { epoch: number }) => epoch)).toEqual(Array.from({ length: epochs }, (_, index) => index + 1));
    const events = await service.get(`/v1/jobs/${job}/events?limit=1000`);
    expect(events.body.data.map(({ id }: { id: number }) => id)).toEqual(events.body.data.map((_: unknown, index: number) => index + 1));
  }

  /** Asks until the service answers this again. */
  const answersAgain = (path: string): Promise<true> =>
    eventually(`${path} answers`, async () => ((await service.get(path)).status === 200 ? true : null));

  it('says that its worker was killed, and goes on with the job by itself', async () => {
    await start();
    const job = await post(digits(await service.dataset('digits')));
    await reachedEpoch(job, 2);
    const { body: workers } = await service.get('/v1/workers');
    process.kill(workers.data[0].pid, 'SIGKILL');
    await eventually('it is not ready', async () => ((await service.get('/readyz')).status === 503 ? true : null));
    expect((await service.get('/livez')).status).toBe(200);
    await answersAgain('/readyz');
    await expectWhole(job);
    const { body } = await service.get(`/v1/jobs/${job}`);
    expect(body.timeline.map(({ status }: { status: string }) => status)).toEqual([
      'queued',
      'running',
      'interrupted',
      'running',
      'succeeded',
    ]);
    expect(service.lines.some((line) => line.includes('worker_exited') && line.includes('SIGKILL'))).toBe(true);
  });

  it('goes on with its jobs after every connection to the database was cut, again and again', async () => {
    await start();
    const postgres = await ownPostgres(service.dataDir);
    const dataset = await service.dataset('digits');
    const jobs = [await post(digits(dataset)), await post(digits(dataset))];
    for (const epoch of [2, 10, 20]) {
      await reachedEpoch(jobs[0] ?? '', epoch);
      await postgres.cutConnections();
    }
    await answersAgain(`/v1/jobs/${jobs[0]}`);
    for (const job of jobs) {
      await expectWhole(job);
      expect((await service.get(`/v1/jobs/${job}`)).body.attempt).toBe(1);
    }
    await expectWhole(await post(digits(dataset, 1)), 1);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'starts its database again after %s, says meanwhile that it is gone, and loses neither the running nor the waiting job',
    async (signal) => {
      await start();
      const postgres = await ownPostgres(service.dataDir);
      const dataset = await service.dataset('digits');
      const jobs = [await post(digits(dataset)), await post(digits(dataset, 3))];
      await reachedEpoch(jobs[0] ?? '', 2);
      const gone = eventually('the database is gone', async () => {
        const reply = await service.get(`/v1/jobs/${jobs[0]}`);
        return reply.status === 503 ? reply : null;
      });
      await postgres.end(signal);
      const { body, headers } = await gone;
      expect([body.code, headers.get('retry-after')]).toEqual(['dependency_unavailable', expect.any(String)]);
      await answersAgain('/readyz');
      await expectWhole(jobs[0] ?? '');
      await expectWhole(jobs[1] ?? '', 3);
      await expectWhole(await post(digits(dataset, 1)), 1);
      expect(service.lines.filter((line) => line.includes('postgres_restarted'))).toHaveLength(1);
    },
  );
});

describe.runIf(redisProgram !== null)('a service with a Redis that fails', () => {
  let service: Service;
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    await service.stop();
    for (const close of closing.splice(0)) await close();
  });

  /** The first job runs; two others wait. */
  async function startWithJobs(redisUrl = '') {
    service = await startService({ ...OWN_SERVERS, QUEUE: 'redis', REDIS_URL: redisUrl });
    const dataset = await service.dataset('digits');
    const jobs: string[] = [];
    for (const count of [EPOCHS, 2, 2]) jobs.push((await service.post('/v1/jobs', digits(dataset, count))).body.id);
    await eventually('the first one runs', async () => ((await service.get(`/v1/jobs/${jobs[0]}`)).body.progress.epoch >= 1 ? true : null));
    return { dataset, jobs };
  }

  /** A Redis that is not the service's own: nobody but the test starts it again. */
  async function startRedis(): Promise<OwnRedis & { url: string }> {
    const dir = await mkdtemp(join(tmpdir(), 'alma-redis-'));
    const { url } = await startEmbeddedRedis(redisProgram ?? '', join(dir, 'redis'));
    const redis = await ownRedis(dir);
    closing.push(async () => {
      await redis.end('SIGKILL').catch(() => undefined); // It is gone already.
      await rm(dir, { recursive: true, force: true });
    });
    return { ...redis, url };
  }

  const expectSucceeded = async (jobs: readonly string[]): Promise<void> => {
    for (const job of jobs) expect(await service.ended(job)).toMatchObject({ status: 'succeeded', attempt: 1 });
  };

  const logged = (event: string): string[] => service.lines.filter((line) => line.includes(event));

  it('starts its own again after SIGKILL, each time, and loses neither the running nor the waiting jobs nor a new one', async () => {
    const { dataset, jobs } = await startWithJobs();
    for (const times of [1, 2]) {
      await (await ownRedis(service.dataDir)).end('SIGKILL');
      const late = await service.post('/v1/jobs', digits(dataset, 1));
      expect(late.status).toBe(202);
      jobs.push(late.body.id);
      await eventually('it is started again', () => (logged('redis_restarted').length === times ? true : null));
    }
    await expectSucceeded(jobs);
    expect((await service.train(digits(dataset, 1))).status).toBe('succeeded');
    expect(logged('redis_died')).toHaveLength(2);
    const { pid } = JSON.parse(await readFile(join(service.dataDir, 'redis/instance.json'), 'utf8'));
    await service.stop();
    await expectGone(pid);
    expect(logged('redis_restart')).toHaveLength(2);
  });

  it('finishes the running and the waiting jobs although it forgot them all', async () => {
    const { jobs } = await startWithJobs();
    await (await ownRedis(service.dataDir)).flush();
    await expectSucceeded(jobs);
  });

  it('takes jobs while it is away, finishes the running one, and the others once it is back', async () => {
    const redis = await startRedis();
    const { dataset, jobs } = await startWithJobs(redis.url);
    await redis.end('SIGKILL');
    const late = await service.post('/v1/jobs', digits(dataset, 1));
    expect(late.status).toBe(202);
    const [cancelled = '', ...others] = jobs.toReversed();
    expect((await service.post(`/v1/jobs/${cancelled}/cancel`, undefined)).status).toBeLessThan(300);
    expect((await service.ended(cancelled)).status).toBe('cancelled');
    await redis.restart();
    await expectSucceeded([...others, late.body.id]);
  });

  it('gives the running job back and ends in good order although it is away', async () => {
    const redis = await startRedis();
    const { jobs } = await startWithJobs(redis.url);
    await redis.end('SIGKILL');
    const { body: workers } = await service.get('/v1/workers');
    const running: string = workers.data[0].jobs[0];
    expect(jobs).toContain(running);
    process.kill(workers.data[0].pid, 'SIGTERM');
    await eventually('the job is given back', async () =>
      (await service.get(`/v1/jobs/${running}`)).body.status === 'queued' ? true : null,
    );
    await eventually('the worker has ended', () => service.lines.find((line) => line.includes('worker_exited')) ?? null);
    expect(service.lines.find((line) => line.includes('worker_exited'))).toContain('"code":0');
  });
});
