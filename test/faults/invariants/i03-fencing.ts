import { holderOf } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, ended, mlp, reachesEpoch } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import { startProxy, type TcpProxy } from '../harness/proxy.ts';
import type { World } from '../harness/world.ts';

/** Workers are frozen, or cut off from PostgreSQL, until another one has their job; then they come back. */
export const fencing: Invariant = {
  id: 'I3',
  promise: 'At most one worker writes for a job: what the one before it still sends changes nothing.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const proxy = await startProxy(world.servers.postgres.port);
    const taken: number[] = [];
    try {
      const zombie = await world.startWorker({ databasePort: proxy.port });
      const body = mlp(await api.dataset('digits'), { epochs: 150 });
      const undisturbed = await ended(world, api, await api.job(body));
      const other = await world.startWorker();
      for (let n = 0; n < world.times({ pr: 3, nightly: 60, weekly: 300 }); n += 1) {
        // Whoever is to be the zombie is the one that can be cut off: the other has to wait meanwhile.
        other.signal('SIGSTOP');
        const id = await api.job(body);
        await reachesEpoch(world, id, 2);
        const isFrozen = n % 3 === 0;
        const said = lossesOf(zombie);
        const cut = isFrozen ? frozen(world, zombie) : cutOff(world, proxy);
        const since = performance.now();
        other.signal('SIGCONT');
        await world.report.within(`another worker takes job ${id}`, 4000 * world.tier.leaseSeconds + 10_000, () =>
          holderOf(world, id, [other]),
        );
        taken.push(performance.now() - since);
        if (n % 3 < 2) await comeBackInBetween(world, { id, other, cut });
        else await comeBackAfter(world, { cut, milliseconds: since + world.tier.outageMs - performance.now() });
        await world.report.within('the worker before says that its lease is lost', 10_000, () => (lossesOf(zombie) > said ? true : null));
        await checkSameBits(world, await ended(world, api, id), undisturbed);
      }
    } finally {
      await proxy.close();
    }
    world.report.times('another worker has the job after', taken);
  },
};

/** Lets a worker that was kept from its database back to it. */
type Cut = () => void;

function frozen({ report }: World, worker: Kept): Cut {
  report.injected('SIGSTOP of a worker');
  worker.signal('SIGSTOP');
  return () => worker.signal('SIGCONT');
}

function cutOff({ report }: World, proxy: TcpProxy): Cut {
  report.injected('black hole before PostgreSQL');
  proxy.mode('blackhole');
  return () => proxy.mode('pass');
}

/** How often a worker has said that it lost a lease: one may be said in two lines. */
function lossesOf({ lines }: Kept): number {
  return lines.filter((line) => line.includes('lease_lost')).length;
}

/** Lets the zombie back while the other one has the job and stands still, so that nothing but the fence keeps it from writing. */
async function comeBackInBetween(world: World, { id, other, cut }: { id: string; other: Kept; cut: Cut }): Promise<void> {
  const { report, query, tier, pause } = world;
  const fenceOf = async (): Promise<number> => (await query<{ fence: number }>('SELECT fence FROM job WHERE id = $1', [id]))[0]?.fence ?? 0;
  const fence = await fenceOf();
  await report.within(`it commits an epoch of ${id}`, 30_000, async () => ((await countEpochs(world, id, fence)).newer > 0 ? true : null));
  other.signal('SIGSTOP');
  const before = await countEpochs(world, id, fence);
  cut();
  await pause((tier.leaseSeconds * 1000) / 2);
  const after = await countEpochs(world, id, fence);
  other.signal('SIGCONT');
  report.check(
    after.older === before.older,
    `the worker before wrote ${after.older - before.older} epochs of ${id} after its lease was lost`,
  );
}

/** Lets the zombie back after a whole outage, when the job is probably over: what it held back comes too late. */
async function comeBackAfter({ report, tier, pause }: World, { cut, milliseconds }: { cut: Cut; milliseconds: number }): Promise<void> {
  report.injected(`cut off for ${tier.outageMs / 1000} s`);
  await pause(Math.max(0, milliseconds));
  cut();
}

async function countEpochs({ query }: World, id: string, fence: number): Promise<{ older: number; newer: number }> {
  const [row] = await query<{ older: number; newer: number }>(
    'SELECT count(*) FILTER (WHERE fence < $2)::int AS older, count(*) FILTER (WHERE fence >= $2)::int AS newer FROM epoch WHERE job_id = $1',
    [id, fence],
  );
  return row ?? { older: 0, newer: 0 };
}
