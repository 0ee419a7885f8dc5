// Places between two steps of the product at which a process can be made to die: `KILL_AT=K3` at the first pass, `K3:4` at the
// fourth. K15 of the usual list (a webhook that is sent and not marked) is missing because there are no webhooks.

import type { SourceChange } from './source-change.ts';

export interface KillPoint {
  readonly what: string;
  readonly file: string;
  /** The code it stands before, or after. */
  readonly before?: string;
  readonly after?: string;
}

export const KILL_POINTS = {
  K1: {
    what: 'the job and its doorbell are inserted, not committed',
    file: 'src/jobs/job-store.ts',
    before: 'await notify(tx, CHANNELS.jobChanged, job.id);',
  },
  K2: {
    what: 'the job is committed, its reply not sent',
    file: 'src/http/idempotency.ts',
    before: 'return reply.code(status).headers(headers).send(body);',
  },
  K3: { what: 'the relay holds doorbells, and has not rung', file: 'src/queue/relay.ts', before: 'await queue.ring(rows);' },
  K4: { what: 'the relay has rung, and not removed the doorbells', file: 'src/queue/relay.ts', after: 'await queue.ring(rows);' },
  K5: { what: 'a message is taken, its job not claimed', file: 'src/jobs/job-processor.ts', before: 'const claimedAt = deps.now();' },
  K6: {
    what: 'the job is claimed, and nothing else',
    file: 'src/jobs/job-processor.ts',
    before: 'const logger = deps.logger.child({ job: jobId, attempt: job.attempt });',
  },
  K7: {
    what: 'a checkpoint is partly written (one pass a chunk)',
    file: 'src/jobs/job-execution.ts',
    after: 'yield piece;',
  },
  K8: {
    what: 'the bytes of a checkpoint are written, its epoch is not',
    file: 'src/jobs/epoch-commit.ts',
    before: 'await holdFence(client, lease);',
  },
  K9: {
    what: 'an epoch is committed, and the thread not told',
    file: 'src/jobs/job-execution.ts',
    after: 'if (this.#isWanted()) await this.#insist(store);',
  },
  K10: {
    what: 'the last epoch is committed, the end of the job is not',
    file: 'src/jobs/job-execution.ts',
    before: 'const ended = { job, progress, datasetSha256 };',
  },
  K11: {
    what: 'the end of the job is committed, the queue not told',
    file: 'src/jobs/job-processor.ts',
    after: 'await execution.run();',
  },
  K12: {
    what: 'the worker knows that its job is to stop, the thread does not',
    file: 'src/jobs/job-execution.ts',
    after: "this.#deps.logger.info({ cause }, 'job_stopping');",
  },
  K13: {
    what: 'weights and version are inserted, the end of the job is not committed',
    file: 'src/jobs/execution-store.ts',
    after: 'const version = await insertModelVersion(client, trained);',
  },
  K14: {
    what: 'the deployment points at its new version, the reply is not sent',
    file: 'src/deployments/deployment-service.ts',
    before: 'if (placed === null)',
  },
  K16: {
    what: 'a migration is half done',
    file: 'src/db/migrate.ts',
    after: 'await client.query(sql);',
  },
} as const satisfies Record<string, KillPoint>;

export type KillPointName = keyof typeof KILL_POINTS;

/** The line that makes the process die there. */
export function killChange(name: KillPointName): SourceChange {
  const { file, before, after }: KillPoint = KILL_POINTS[name];
  const call = `globalThis.reachKillPoint('${name}');`;
  if (before !== undefined) return { file, find: before, replace: `${call} ${before}` };
  if (after !== undefined) return { file, find: after, replace: `${after} ${call}` };
  throw new Error(`${name} stands nowhere`);
}
