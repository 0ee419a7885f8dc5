import type { Invariant } from '../harness/invariant.ts';
import { wide } from '../harness/jobs.ts';
import { cpuSeconds } from '../harness/processes.ts';
import { startProxy } from '../harness/proxy.ts';

/** A training that stops late has this long until its thread is ended. */
const GRACE_MS = 2500;
const WATCH_MS = 2000;
const IDLE_CORES = 0.1;

/** A worker in the middle of a long epoch is cut off from everything; nobody can tell it so. */
export const selfFence: Invariant = {
  id: 'I4',
  promise: 'A worker that is cut off stops by itself after two thirds of its lease.',
  queues: ['postgres'],
  async try(world) {
    const { report, tier, pause } = world;
    const api = await world.startApi();
    const proxy = await startProxy(world.servers.postgres.port);
    try {
      const worker = await world.startWorker({ databasePort: proxy.port });
      // Epochs of many seconds: a trainer that waits for its commits would seem to have stopped.
      const body = wide(await api.dataset('digits'));
      for (let n = 0; n < world.times({ pr: 2, nightly: 30, weekly: 100 }); n += 1) {
        const id = await api.job(body);
        await report.within(`job ${id} computes`, 30_000, async () =>
          (await api.get(`/v1/jobs/${id}`)).body?.progress?.step > 0 ? true : null,
        );
        report.injected('black hole before PostgreSQL');
        proxy.mode('blackhole');
        await pause((tier.leaseSeconds * 2000) / 3 + GRACE_MS);
        const before = cpuSeconds(worker.pid);
        await pause(WATCH_MS);
        const cores = (cpuSeconds(worker.pid) - before) / (WATCH_MS / 1000);
        report.check(cores < IDLE_CORES, `a worker that is cut off stops computing: it uses ${(100 * cores).toFixed(0)} % of a core`);
        proxy.mode('pass');
        await api.post(`/v1/jobs/${id}/cancel`);
        await report.within(`job ${id} is cancelled`, 30_000, async () =>
          (await api.get(`/v1/jobs/${id}`)).body?.status === 'cancelled' ? true : null,
        );
      }
    } finally {
      await proxy.close();
    }
  },
};
