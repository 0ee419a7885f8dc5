import { holderOf } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, ended, epochsOf, mlp, reachesEpoch } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { World } from '../harness/world.ts';

const EXIT_MS = 20_000;
const RESUME_MS = 2000;

/** Workers are asked to end while they train. */
export const gracefulStop: Invariant = {
  id: 'I20',
  promise:
    'A worker that is told to end gives its job back; another one goes on within 2 s, and no epoch that ends in time is computed twice.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    const workers = [await world.startWorker(), await world.startWorker()];
    const body = mlp(await api.dataset('digits'), { epochs: 300 });
    const undisturbed = await ended(world, api, await api.job(body));
    const times: number[] = [];
    for (let n = 0; n < world.times({ pr: 4, nightly: 60, weekly: 200 }); n += 1) {
      const id = await api.job(body);
      await reachesEpoch(world, id, 2);
      await world.pause(world.random.below(200));
      times.push(await endHolder(world, id, workers));
      const job = await ended(world, api, id);
      await checkSameBits(world, job, undisturbed);
      const epochs = await epochsOf(world, id);
      const [resumed] = await world.query<{ epoch: number }>(
        `SELECT (data ->> 'epoch')::int AS epoch FROM job_event WHERE job_id = $1 AND type = 'resumed'`,
        [id],
      );
      const last = epochs.filter(({ fence }) => fence === 1).length;
      report.check(resumed?.epoch === last, `it goes on after its last epoch, ${last}: ${resumed?.epoch}`);
      for (const worker of workers) await worker.ready();
    }
    report.times('from the end of the one worker to the claim of the other', times);
  },
};

async function endHolder({ report, query, ...world }: World, id: string, workers: readonly Kept[]): Promise<number> {
  const holder = await holderOf({ report, query, ...world }, id, workers);
  if (holder === null) throw new Error(`nobody runs ${id}`);
  const deaths = holder.deaths.length;
  report.injected('SIGTERM to a worker');
  holder.signal('SIGTERM');
  const death = await report.within('the worker ends', EXIT_MS, () => holder.deaths[deaths] ?? null);
  report.check(death.code === 0, `the worker ends with ${death.code ?? death.signal}, not 0`);
  const [row] = await report.within('another worker goes on', 10_000, async () => {
    const rows = await query<{ ms: number }>(
      `SELECT extract(epoch FROM claimed.created_at - given.created_at)::float8 * 1000 AS ms
         FROM job_event AS given JOIN job_event AS claimed ON claimed.job_id = given.job_id AND claimed.seq > given.seq
        WHERE given.job_id = $1 AND given.type = 'status' AND given.data ->> 'status' = 'queued' AND given.seq > 1
          AND claimed.type = 'status' AND claimed.data ->> 'status' = 'running' LIMIT 1`,
      [id],
    );
    return rows.length > 0 ? rows : null;
  });
  const ms = row?.ms ?? Number.NaN;
  report.check(ms <= RESUME_MS, `another worker goes on within ${RESUME_MS} ms: ${Math.round(ms)}`);
  return ms;
}
