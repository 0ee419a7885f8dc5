import { dieAt, hasCheckpoint, kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, ended, mlp } from '../harness/jobs.ts';
import type { Api, World } from '../harness/world.ts';

/** What is done to the newest checkpoint's bytes. */
const DAMAGES = {
  'a flipped bit':
    'UPDATE chunk SET data = set_byte(data, length(data) - 8, get_byte(data, length(data) - 8) # 64) WHERE blob_id = $1 AND n = 0',
  'a missing chunk': 'DELETE FROM chunk WHERE blob_id = $1 AND n = 1',
  'a short chunk': 'UPDATE chunk SET data = substr(data, 1, 1000) WHERE blob_id = $1 AND n = 0',
} as const;

/** Checkpoints of several chunks, whose writers die between them and whose bytes are damaged afterwards. */
export const wholeCheckpoints: Invariant = {
  id: 'I9',
  promise: 'A checkpoint is whole or absent; a damaged one is reported, and the one before it taken.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const worker = await world.startWorker();
    const body = large(await api.dataset('digits'));
    const undisturbed = await ended(world, api, await api.job(body));
    for (let n = 0; n < world.times({ pr: 1, nightly: 30, weekly: 100 }); n += 1) {
      const id = await api.job(body);
      let epoch = 0;
      for (const pass of [1, 2, 3]) {
        epoch = await hasCheckpoint(world, id, epoch);
        await dieAt(world, worker, 'K7', { pass });
      }
      const before = await ended(world, api, id);
      await checkSameBits(world, before, undisturbed);
      for (const [damage, sql] of Object.entries(DAMAGES)) {
        const damaged = await api.job(body);
        await hasCheckpoint(world, damaged, 1);
        await kill(world, worker, 'the worker');
        await spoil(world, damaged, { damage, sql });
        await checkSameBits(world, await ended(world, api, damaged), undisturbed);
        await checkReported(world, api, damaged);
      }
    }
  },
};

/** A state of more than three chunks, kept after every other epoch however often that is. */
function large(dataset: string): object {
  const layers = [
    { type: 'dense', units: 1024, activation: 'relu' },
    { type: 'dense', units: 256, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { ...mlp(dataset, { epochs: 40, batch_size: 8, checkpoint: { every_epochs: 2, every_seconds: 0, keep: 3 } }), spec: { layers } };
}

async function spoil({ query, report }: World, id: string, { damage, sql }: { damage: string; sql: string }): Promise<void> {
  report.injected(damage);
  const [newest] = await query<{ blob_id: string }>('SELECT blob_id FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC LIMIT 1', [id]);
  if (newest === undefined) throw new Error(`job ${id} has no checkpoint`);
  await query(sql, [newest.blob_id]);
}

async function checkReported({ report }: World, api: Api, id: string): Promise<void> {
  const { body } = await api.get(`/v1/jobs/${id}/events?limit=100`);
  const warnings = (body?.data ?? []).filter((event: { data: { code?: string } }) => event.data.code === 'checkpoint_damaged');
  report.check(warnings.length === 1, `job ${id} says that its checkpoint was damaged`);
}
