// One deliberate mistake for each invariant. A fault test that has never failed proves nothing: `npm run faults -- --controls` plants
// each of these and must see its invariant break.

import type { SourceChange } from './source-change.ts';

export interface PlantedBug {
  /** The invariant that must break. */
  readonly breaks: string;
  readonly what: string;
  readonly changes: readonly SourceChange[];
  /** The queue it needs, where the default will not show it. */
  readonly queue?: 'redis' | undefined;
}

const NO_SWEEPER: SourceChange = {
  file: 'src/queue/sweeper.ts',
  find: 'if (rung > waiting) await recovery.ringAgain(RING_AGAIN_MAX);',
  replace: '',
};

const NO_SELF_FENCE: SourceChange = { file: 'src/jobs/lease-keeper.ts', find: '(leaseMs * 2) / 3', replace: 'Infinity' };

export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  no_outbox: {
    breaks: 'I1',
    what: 'the relay forgets its doorbells before it rings, and nobody rings again',
    changes: [
      {
        file: 'src/queue/relay.ts',
        find: 'await queue.ring(rows);',
        replace: "await client.query('DELETE FROM outbox'); await client.query('COMMIT'); await queue.ring(rows);",
      },
      NO_SWEEPER,
    ],
  },
  reply_not_kept: {
    breaks: 'I2',
    what: 'the reply to an Idempotency-Key is kept after the job is committed, not with it',
    changes: [
      {
        file: 'src/http/idempotency.ts',
        find: 'await create((tx, made) => idempotency.store(tx, use, made))',
        replace: 'await create(async () => undefined)',
      },
    ],
  },
  no_fence: {
    breaks: 'I3',
    what: 'a worker does not look at its clock, and its writes are not checked against the fence',
    changes: [
      NO_SELF_FENCE,
      { file: 'src/jobs/lease-keeper.ts', find: 'if (wish === undefined) lose(watcher);\n      else', replace: 'if (wish !== undefined)' },
      { file: 'src/jobs/job-fence.ts', find: 'AND fence = $2 AND', replace: 'AND $2::int IS NOT NULL AND' },
      { file: 'src/jobs/lifecycle/worker-steps.ts', find: ' || event.fence !== state.fence', replace: '' },
    ],
  },
  no_self_fence: { breaks: 'I4', what: 'a worker that is cut off does not look at its clock', changes: [NO_SELF_FENCE] },
  rounded_epochs: {
    breaks: 'I5',
    what: 'the metrics of an epoch are stored with fewer digits than were told',
    changes: [
      {
        file: 'src/jobs/epoch-commit.ts',
        find: 'rows.map((row) => JSON.stringify(row.metrics)),',
        replace: "rows.map((row) => JSON.stringify(row.metrics, (_, v) => (typeof v === 'number' ? Math.fround(v) : v))),",
      },
    ],
  },
  epochs_skipped: {
    breaks: 'I6',
    what: 'the epoch after a resume is told and not stored',
    changes: [
      {
        file: 'src/jobs/epoch-commit.ts',
        find: 'const rows = commit.epochs.map(epochRow);',
        replace: 'const rows = commit.epochs.map(epochRow).filter(({ epoch }) => lease.fence === 1 || epoch % 2 === 0);',
      },
    ],
  },
  state_without_slots: {
    breaks: 'I7',
    what: 'a checkpoint leaves out what the optimizer remembers',
    changes: [
      {
        file: 'src/engine/trainer/engine-state.ts',
        find: 'return [trainable, others, ...slots];',
        replace: 'return [trainable, others];',
      },
    ],
  },
  epochs_not_compared: {
    breaks: 'I8',
    what: 'an epoch that is computed again is not compared',
    changes: [
      {
        file: 'src/jobs/epoch-commit.ts',
        find: 'if (storedByEpoch.get(row.epoch) !== fingerprint(row))',
        replace: 'if (storedByEpoch.get(row.epoch) !== fingerprint(row) && row.epoch < 0)',
      },
    ],
  },
  hash_not_checked: {
    breaks: 'I9',
    what: 'the bytes of a checkpoint are not checked against their hash',
    changes: [
      {
        file: 'src/blobs/blob-store.ts',
        find: 'if (file.sha256 === sha256) return file;',
        replace: 'if (file.sha256 !== null) return file;',
      },
    ],
  },
  wish_not_seen: {
    breaks: 'I10',
    what: 'a worker does not look at what the owner wants until its training is over',
    changes: [{ file: 'src/jobs/lease-keeper.ts', find: 'if (wish && watched.has(watcher)) watcher.onWish(wish);', replace: '' }],
  },
  no_sweeper: {
    breaks: 'I11',
    what: 'nobody compares the waiting jobs with the messages in the queue',
    changes: [NO_SWEEPER],
  },
  ring_not_heard: {
    breaks: 'I12',
    what: 'a doorbell that could not be rung counts as rung',
    changes: [
      { file: 'src/queue/relay.ts', find: 'await queue.ring(rows);', replace: 'await queue.ring(rows).catch(() => undefined);' },
      NO_SWEEPER,
    ],
    queue: 'redis',
  },
  outage_not_told: {
    breaks: 'I13',
    what: 'a database that is away is taken for a mistake of the program',
    changes: [
      {
        file: 'src/db/unavailable.ts',
        find: 'return causes(error).some(saysUnavailable);',
        replace: 'return causes(error).length > 1e9 && saysUnavailable({});',
      },
    ],
  },
  crashes_not_counted: {
    breaks: 'I15',
    what: 'the deaths of a job are not counted',
    changes: [
      { file: 'src/jobs/lifecycle/fleet-steps.ts', find: 'export const CRASHES_MAX = 3;', replace: 'export const CRASHES_MAX = 1e9;' },
    ],
  },
  memory_kept: {
    breaks: 'I16',
    what: 'bytes that were stored stay in memory',
    changes: [
      {
        file: 'src/blobs/blob-store.ts',
        find: 'hash.update(data);',
        replace: 'hash.update(data); (globalThis.kept ??= []).push(Buffer.alloc(16 * data.length, 1));',
      },
    ],
  },
  jobs_not_released: {
    breaks: 'I20',
    what: 'a worker that is to end does not give its jobs back',
    changes: [{ file: 'src/jobs/job-processor.ts', find: "for (const execution of running) execution.stop('release');", replace: '' }],
  },
  silence_not_noticed: {
    breaks: 'I21',
    what: 'nobody notices that a worker takes no more jobs',
    changes: [{ file: 'src/queue/silence.ts', find: 'if (silentSteps === STEPS)', replace: 'if (silentSteps < 0)' }],
  },
  lease_by_wall_clock: {
    breaks: 'I22',
    what: 'a worker reckons its leases by its own wall clock',
    changes: [
      {
        file: 'src/jobs/job-life-rows.ts',
        find: 'return { id, life, now };',
        replace: 'return { id, life, now: now > 0 ? Date.now() : now };',
      },
      {
        file: 'src/jobs/lease-keeper.ts',
        find: 'SET lease_until = now() +',
        replace: `SET lease_until = to_timestamp($${'{Date.now() / 1000}'}) +`,
      },
    ],
  },
  version_read_twice: {
    breaks: 'I26',
    what: 'the version in a reply is read after the prediction was made',
    changes: [
      {
        file: 'src/deployments/deployment-service.ts',
        find: 'version: model.version.version, predictions:',
        replace: 'version: (await get(project, name)).version, predictions:',
      },
    ],
  },
};
