import { emptyQueue } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { ended, mlp, reachesEpoch, tiny } from '../harness/jobs.ts';

const DRAIN_MS = 60_000;

/** The queue forgets every message while jobs wait and one runs. */
export const queueForgets: Invariant = {
  id: 'I11',
  promise: 'A queue that forgets everything loses no job.',
  queues: ['postgres', 'redis'],
  async try(world) {
    const { report, query } = world;
    const api = await world.startApi();
    await world.startWorker();
    const [digits, xor] = [await api.dataset('digits'), await api.dataset('xor')];
    for (let n = 0; n < world.times({ pr: 2, nightly: 20, weekly: 100 }); n += 1) {
      const running = await api.job(mlp(digits, { epochs: 600 }));
      await reachesEpoch(world, running, 1);
      const waiting: string[] = [];
      while (waiting.length < world.times({ pr: 50, nightly: 500, weekly: 500 })) waiting.push(await api.job(tiny(xor)));
      await report.within('every message is in the queue', 10_000, async () =>
        (await query('SELECT FROM outbox LIMIT 1')).length === 0 ? true : null,
      );
      await emptyQueue(world);
      const since = performance.now();
      const { status, attempt } = await ended(world, api, running);
      report.check(status === 'succeeded' && attempt === 1, `the running job goes on: ${status}, attempt ${attempt}`);
      await report.within('all waiting jobs succeed', DRAIN_MS, async () => {
        const [row] = await query<{ count: number }>(`SELECT count(*)::int FROM job WHERE id = ANY($1) AND status = 'succeeded'`, [
          waiting,
        ]);
        return row?.count === waiting.length ? true : null;
      });
      report.times('all have ended after', [performance.now() - since]);
    }
  },
};
