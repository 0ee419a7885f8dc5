// The life of a job in its row. Whatever moves a job holds the row, asks `step`, and writes the answer in the same
// transaction: `advance` is the only place that writes a state.

import type { PoolClient } from 'pg';
import { CHANNELS } from '../db/database.ts';
import { removeCheckpoints, thinCheckpoints } from './checkpoint-keeping.ts';
import { appendEvents } from './execution-events.ts';
import type { JobLife, LifeEffect, LifeEvent, Step } from './lifecycle/job-life.ts';
import { step } from './lifecycle/step.ts';

/** A job's row, held until the transaction ends, so that nothing else moves it. */
export interface HeldJob {
  readonly id: string;
  readonly life: JobLife;
  /** The database's clock when it was read, in milliseconds. */
  readonly now: number;
}

/** Holds the job's row; null without such a job, or when it is another project's. */
export async function holdJob(client: PoolClient, id: string, project: string | null = null): Promise<HeldJob | null> {
  const { rows } = await client.query<JobLife & { now: number }>(HOLD, [id, project]);
  if (rows[0] === undefined) return null;
  const { now, ...life } = rows[0];
  return { id, life, now };
}

/** Moves a held job, with everything that belongs to the move. */
export async function advanceHeld(client: PoolClient, { id, life, now }: HeldJob, event: LifeEvent): Promise<Step> {
  const next = step(life, event, now);
  if (next.state !== life) await write(client, id, life.fence, next.state);
  await applyEffects(client, id, next.effects);
  return next;
}

/** Holds and moves a job; null without such a job. */
export async function advance(client: PoolClient, id: string, event: LifeEvent): Promise<Step | null> {
  const held = await holdJob(client, id);
  return held === null ? null : advanceHeld(client, held, event);
}

const milliseconds = (column: string): string => `extract(epoch FROM ${column})::float8 * 1000`;

const HOLD = `
  SELECT status, stop_reason AS "stopReason", attempt, fence, worker_id AS "workerId", ${milliseconds('lease_until')} AS "leaseUntil",
         wish, alone, suspect, crashes, EXISTS (SELECT FROM checkpoint WHERE job_id = job.id) AS "hasCheckpoint",
         dataset_id IS NOT NULL AS "hasDataset",
         retries, retried_from AS "retriedFrom", ${milliseconds('started_at')} AS "startedAt", ${milliseconds('paused_at')} AS "pausedAt",
         ${milliseconds('ended_at')} AS "endedAt", ${milliseconds('clock_timestamp()')} AS now
    FROM job WHERE id = $1 AND ($2::text IS NULL OR project_id = $2) FOR UPDATE`;

const timestamp = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;

// An error belongs to the end it explains: a retried job has none.
const WRITE = `
  UPDATE job SET status = $3, stop_reason = $4, attempt = $5, fence = $6, worker_id = $7, lease_until = ${timestamp('$8')}, wish = $9,
         alone = $10, suspect = $11, crashes = $12, retries = $13, retried_from = $14, started_at = ${timestamp('$15')},
         paused_at = ${timestamp('$16')}, ended_at = ${timestamp('$17')}, error = CASE WHEN $3 = 'failed' THEN error END
   WHERE id = $1 AND fence = $2`;

async function write(client: PoolClient, id: string, fence: number, life: JobLife): Promise<void> {
  const { rowCount } = await client.query(WRITE, [
    ...[id, fence, life.status, life.stopReason, life.attempt, life.fence, life.workerId, life.leaseUntil, life.wish],
    ...[life.alone, life.suspect, life.crashes, life.retries, life.retriedFrom, life.startedAt, life.pausedAt, life.endedAt],
  ]);
  if (rowCount !== 1) throw new Error(`job ${id} changed while its row was held`);
}

async function applyEffects(client: PoolClient, id: string, effects: readonly LifeEffect[]): Promise<void> {
  const events = effects.flatMap((effect) => (effect.type === 'tell' ? [effect.event] : []));
  await appendEvents(client, id, events);
  for (const effect of effects) await applyEffect(client, id, effect);
  if (effects.length > 0) await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobChanged, id]);
}

async function applyEffect(client: PoolClient, id: string, effect: LifeEffect): Promise<void> {
  switch (effect.type) {
    case 'tell':
      return; // All at once, before.
    case 'ring':
      await client.query('INSERT INTO outbox (job_id, attempt) VALUES ($1, $2)', [id, effect.attempt]);
      await client.query(`SELECT pg_notify($1, '')`, [CHANNELS.outbox]);
      return;
    case 'unring':
      // A doorbell on its way to the queue is held by the relay, which removes it; waiting for it would be waiting for the queue.
      await client.query('DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE job_id = $1 FOR UPDATE SKIP LOCKED)', [id]);
      return;
    case 'signal':
      await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobWish, id]);
      return;
    case 'explain':
      await client.query('UPDATE job SET error = $2 WHERE id = $1', [id, JSON.stringify(effect.error)]);
      return;
    case 'thin_checkpoints':
      // One that ended goes on or is forked from its newest or its best checkpoint; housekeeping decides for how long.
      return thinCheckpoints(client, id, 1);
    case 'forget':
      return forget(client, id, effect.what);
    default:
      return effect satisfies never;
  }
}

/** The beginning of a fork is a checkpoint of another job, which is not there for it any more. */
const NO_FORK = { code: 'fork_forgotten', detail: 'The job starts from the beginning, not from the checkpoint it was forked from.' };

/** Removes epochs, and all checkpoints when none of them is to be gone on from. */
async function forget(client: PoolClient, id: string, what: 'all' | 'after_checkpoint'): Promise<void> {
  if (what === 'after_checkpoint') {
    await client.query(
      'DELETE FROM epoch WHERE job_id = $1 AND epoch > (SELECT coalesce(max(epoch), 0) FROM checkpoint WHERE job_id = $1)',
      [id],
    );
    await client.query('UPDATE job SET engine = NULL, backend = NULL WHERE id = $1 AND NOT EXISTS (SELECT FROM epoch WHERE job_id = $1)', [
      id,
    ]);
    return;
  }
  const { rows } = await client.query<{ id: string }>('SELECT id FROM checkpoint WHERE job_id = $1', [id]);
  await removeCheckpoints(
    client,
    rows.map((checkpoint) => checkpoint.id),
  );
  await client.query('DELETE FROM epoch WHERE job_id = $1', [id]);
  const { rowCount: forks } = await client.query('UPDATE job SET forked_from = NULL WHERE id = $1 AND forked_from IS NOT NULL', [id]);
  if (forks === 1) await appendEvents(client, id, [{ type: 'warning', data: NO_FORK }]);
  await client.query(
    `UPDATE job SET best = NULL, latest_metrics = NULL, engine = NULL, backend = NULL,
            progress = (progress::jsonb || '{"fraction": 0, "epoch": 0, "step": 0, "eta_seconds": null, "samples_per_second": null}')::json
      WHERE id = $1`,
    [id],
  );
}
