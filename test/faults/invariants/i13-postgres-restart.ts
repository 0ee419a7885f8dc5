import { breakPostgres, hasCheckpoint } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, ended, mlp } from '../harness/jobs.ts';
import type { Api, World } from '../harness/world.ts';

/** PostgreSQL is ended in every way while a job runs. */
export const postgresRestart: Invariant = {
  id: 'I13',
  promise: 'A restart of PostgreSQL costs a job at most its lease; the API says 503 meanwhile.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    await world.startWorker();
    const body = mlp(await api.dataset('digits'), { epochs: 200 });
    const undisturbed = await ended(world, api, await api.job(body));
    const times: number[] = [];
    for (let n = 0; n < world.times({ pr: 1, nightly: 15, weekly: 50 }); n += 1) {
      for (const how of ['SIGINT', 'SIGQUIT', 'SIGKILL', 'cut'] as const) {
        const id = await api.job(body);
        await hasCheckpoint(world, id, 1);
        if (how === 'cut') await cutConnections(world);
        else times.push(await restart(world, api, how));
        const job = await ended(world, api, id);
        report.check(job.attempt <= 2, `one ${how} costs at most one lease: attempt ${job.attempt}`);
        await checkSameBits(world, job, undisturbed);
      }
    }
    report.times('the API answers again after PostgreSQL does', times);
  },
};

async function cutConnections({ report, servers }: World): Promise<void> {
  report.injected('every connection cut');
  await servers.postgres.execute(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()`,
  );
}

/** Watches the API meanwhile: it answers, and with nothing but the truth. Returns how long it took afterwards. */
async function restart(world: World, api: Api, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<number> {
  const statuses = new Set<number>();
  const watch = { on: true };
  const watching = (async (): Promise<void> => {
    while (watch.on) statuses.add((await api.get('/v1/jobs?limit=1')).status);
  })();
  await breakPostgres(world, signal);
  const since = performance.now();
  await world.report.within('the API answers again', 10_000, async () =>
    (await api.get('/v1/jobs?limit=1')).status === 200 ? true : null,
  );
  watch.on = false;
  await watching;
  world.report.check(
    [...statuses].every((status) => status === 200 || status === 503),
    `the API answers 200 or 503: ${[...statuses]}`,
  );
  return performance.now() - since;
}
