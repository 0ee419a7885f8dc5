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
    try {
      const worker = await world.startWorker({ databasePort: proxy.port });
      const dataset = await api.dataset('digits');
      const body = mlp(dataset, { epochs: 150 });
      const undisturbed = await ended(world, api, await api.job(body));
      const other = await world.startWorker();
      for (let n = 0; n < world.times({ pr: 2, nightly: 60, weekly: 300 }); n += 1) {
        // Whoever is to be the zombie is the one that can be cut off: the other has to wait meanwhile.
        other.signal('SIGSTOP');
        const id = await api.job(body);
        await reachesEpoch(world, id, 2);
        const cut = n % 2 === 0 ? frozen(world, worker) : cutOff(world, proxy);
        other.signal('SIGCONT');
        await comeBack(world, id, { zombie: worker, other, cut });
        await checkSameBits(world, await ended(world, api, id), undisturbed);
      }
    } finally {
      await proxy.close();
    }
  },
};

/** How a worker is kept from its database; ends it when called. */
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

interface Zombie {
  readonly zombie: Kept;
  readonly other: Kept;
  readonly cut: Cut;
}

/** Lets the zombie back while the other one has the job and stands still, so that nothing but the fence keeps it from writing. */
async function comeBack(world: World, id: string, { zombie, other, cut }: Zombie): Promise<void> {
  const { report, query, tier, pause } = world;
  await report.within(`another worker takes job ${id}`, 4000 * tier.leaseSeconds + 10_000, () => holderOf(world, id, [other]));
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
  await report.within('the worker before says that its lease is lost', 10_000, () =>
    zombie.lines.some((line) => line.includes('lease_lost')) ? true : null,
  );
}

async function countEpochs({ query }: World, id: string, fence: number): Promise<{ older: number; newer: number }> {
  const [row] = await query<{ older: number; newer: number }>(
    'SELECT count(*) FILTER (WHERE fence < $2)::int AS older, count(*) FILTER (WHERE fence >= $2)::int AS newer FROM epoch WHERE job_id = $1',
    [id, fence],
  );
  return row ?? { older: 0, newer: 0 };
}
