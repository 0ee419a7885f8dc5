import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Invariant } from '../harness/invariant.ts';
import { ended, tiny } from '../harness/jobs.ts';

const SILENCE_SECONDS = 2;
const REPLACED_MS = 90_000;

/** A worker's queue loop hangs without an error while jobs wait. */
export const silentQueue: Invariant = {
  id: 'I21',
  promise: 'A worker that takes no more jobs is noticed and replaced within 90 s.',
  queues: ['postgres', 'redis'],
  async try(world) {
    const { report, servers } = world;
    const api = await world.startApi();
    const body = tiny(await api.dataset('xor'));
    for (let n = 0; n < world.times({ pr: 1, nightly: 5, weekly: 20 }); n += 1) {
      const park = join(await mkdtemp(join(servers.dir, 'park-')), 'park');
      await writeFile(park, '');
      const worker = await world.startWorker({
        file: 'test/queue/programs/parked-worker.ts',
        env: { PARK: park, QUEUE_SILENCE_SECONDS: String(SILENCE_SECONDS) },
      });
      report.injected('a queue loop that hangs');
      const since = performance.now();
      const jobs = await Promise.all(Array.from({ length: 5 }, () => api.job(body)));
      await report.within('the worker is replaced', REPLACED_MS, () => worker.deaths[0] ?? null);
      report.times('replaced after', [performance.now() - since]);
      for (const id of jobs) report.check((await ended(world, api, id)).status === 'succeeded', `job ${id} succeeds`);
      await worker.stop();
    }
  },
};
