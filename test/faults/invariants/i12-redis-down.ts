import type { Invariant } from '../harness/invariant.ts';
import { tiny } from '../harness/jobs.ts';
import { quantile } from '../harness/report.ts';

const SUBMIT_EVERY_MS = 50;
const DRAIN_MS = 60_000;
/** One worker of one slot runs all that was posted meanwhile, one after the other. */
const JOB_MS = 100;

/** Jobs are posted and read while Redis is away. */
export const redisDown: Invariant = {
  id: 'I12',
  promise: 'While Redis is down the API goes on: jobs are accepted and read, and run once it is back.',
  queues: ['redis'],
  async try(world) {
    const { report, servers, tier, query } = world;
    if (servers.redis === null) throw new Error('this needs Redis');
    const api = await world.startApi();
    await world.startWorker();
    const body = tiny(await api.dataset('xor'));
    report.injected(`Redis down for ${tier.outageMs / 1000} s`);
    await servers.redis.end('SIGKILL');
    const calls: Promise<{ status: number; milliseconds: number }>[] = [];
    for (const until = performance.now() + tier.outageMs; performance.now() < until; ) {
      calls.push(api.post('/v1/jobs', body), api.get('/v1/jobs?limit=10'));
      await world.pause(SUBMIT_EVERY_MS);
    }
    const replies = await Promise.all(calls);
    const refused = replies.filter(({ status }) => status !== 202 && status !== 200);
    report.check(
      refused.length === 0,
      `${refused.length} of ${replies.length} requests were not answered as always: ${refused[0]?.status}`,
    );
    report.times(`${replies.length} replies meanwhile`, [
      quantile(
        replies.map(({ milliseconds }) => milliseconds),
        0.99,
      ),
    ]);
    await servers.redis.restart();
    const since = performance.now();
    const drainMs = DRAIN_MS + (JOB_MS * replies.length) / 2;
    await report.within('all jobs succeed', drainMs, async () =>
      (await query(`SELECT FROM job WHERE status <> 'succeeded' LIMIT 1`)).length === 0 ? true : null,
    );
    report.times(`all ${replies.length / 2} jobs have ended after`, [performance.now() - since]);
  },
};
