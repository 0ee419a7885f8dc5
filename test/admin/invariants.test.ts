import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INVARIANTS, type InvariantName } from '../../src/admin/invariants.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

/** A database in which all is well: a job that succeeded after a crash, one that runs, one that waits, and what belongs to them. */
const HEALTHY = `
  INSERT INTO blob (id, bytes, sha256) SELECT id, 3, 'abc' FROM unnest(ARRAY['rows', 'weights', 'state']) AS id;
  INSERT INTO chunk (blob_id, n, data) SELECT id, 0, 'abc' FROM blob;
  INSERT INTO dataset (id, project_id, name, status, rows, bytes, sha256, schema, blob_id)
    VALUES ('ds', 'prj_default', 'd', 'ready', 1, 3, 'abc', '[]', 'rows');
  INSERT INTO job (id, project_id, kind, status, request, progress, receipt, fence, last_event) VALUES
    ('done', 'prj_default', 'training', 'succeeded', '{}', '{}', '{}', 2, 2),
    ('busy', 'prj_default', 'training', 'running', '{}', '{}', '{}', 1, 1),
    ('next', 'prj_default', 'training', 'queued', '{}', '{}', '{}', 0, 1);
  UPDATE job SET stop_reason = 'completed', ended_at = now(), weights_blob_id = 'weights', result = '{}',
    best = '{"epoch": 3, "checkpoint": "ckpt"}' WHERE id = 'done';
  INSERT INTO worker (id, pid, host, version, engine, backend, slots, started_at)
    VALUES ('wrk', 1, 'here', '1', '1', 'reference', 1, now() - interval '1 hour');
  UPDATE job SET worker_id = 'wrk', lease_until = now() + interval '15 seconds' WHERE id = 'busy';
  INSERT INTO job_event (job_id, seq, type, data, created_at) VALUES
    ('done', 1, 'status', '{}', now()), ('done', 2, 'done', '{}', now()), ('busy', 1, 'status', '{}', now()),
    ('next', 1, 'status', '{}', now() - interval '1 hour');
  INSERT INTO epoch (job_id, epoch, step, metrics, learning_rate, seconds, fence) VALUES
    ('done', 1, 10, '{}', 1, 1, 1), ('done', 2, 20, '{}', 1, 1, 1), ('done', 3, 30, '{}', 1, 1, 2);
  INSERT INTO checkpoint (id, job_id, epoch, step, blob_id, engine, backend) VALUES ('ckpt', 'done', 3, 30, 'state', '1', 'reference');
  INSERT INTO model (project_id, name, spec) VALUES ('prj_default', 'm', '{}');
  INSERT INTO model_version (id, project_id, model_name, version, job_id, spec, metrics, preprocessing, signature, receipt, golden, weights_blob_id, weights_sha256)
    VALUES ('mv', 'prj_default', 'm', 1, 'done', '{}', '{}', '{}', '{}', '{}', '{}', 'weights', 'abc');
  INSERT INTO outbox (job_id, attempt) VALUES ('next', 1);`;

/** For every invariant what breaks it, once. */
const BREACHES: { readonly [Name in InvariantName]: string } = {
  ended_without_ending: `UPDATE job_event SET type = 'log' WHERE job_id = 'done' AND type = 'done'`,
  ending_without_end: `UPDATE job SET stop_reason = 'completed' WHERE id = 'next'`,
  running_without_lease: `UPDATE job SET lease_until = now() - interval '2 minutes' WHERE id = 'busy'`,
  lease_without_running: `UPDATE job SET lease_until = now() WHERE id = 'next'`,
  lease_too_long: `UPDATE job SET lease_until = now() + interval '2 hours' WHERE id = 'busy'`,
  more_jobs_than_slots: `UPDATE job SET status = 'running', worker_id = 'wrk', lease_until = now() WHERE id = 'next'`,
  waiting_while_a_worker_is_free: 'UPDATE worker SET slots = 2',
  doorbell_not_handed_over: `UPDATE outbox SET created_at = now() - interval '2 minutes'`,
  epoch_gap: `DELETE FROM epoch WHERE epoch = 2`,
  epoch_step_not_rising: 'UPDATE epoch SET step = 10 WHERE epoch = 2',
  epoch_fence_falling: 'UPDATE epoch SET fence = 2 WHERE epoch = 1',
  epoch_fence_unknown: 'UPDATE epoch SET fence = 3 WHERE epoch = 3',
  event_gap: `UPDATE job_event SET seq = 3 WHERE job_id = 'busy'`,
  checkpoint_incomplete: `DELETE FROM chunk WHERE blob_id = 'state'`,
  checkpoint_ahead: 'UPDATE checkpoint SET epoch = 4',
  best_checkpoint_gone: 'DELETE FROM checkpoint',
  bytes_incomplete: `UPDATE chunk SET data = 'ab' WHERE blob_id = 'rows'`,
  success_without_weights: `UPDATE job SET weights_blob_id = NULL WHERE id = 'done'`,
  version_without_weights: `UPDATE model_version SET weights_blob_id = 'none'`,
  dataset_without_rows: `UPDATE dataset SET blob_id = 'none'`,
  orphan_bytes: `INSERT INTO blob (id, bytes, sha256, created_at) VALUES ('orphan', 0, '', now() - interval '3 hours')`,
};

describe('GET /v1/admin/invariants', () => {
  let server: TestApp;

  beforeEach(async () => {
    server = await startTestApp();
    await server.database.pool.query(HEALTHY);
  });

  afterEach(() => server.close());

  async function counts(): Promise<{ healthy: boolean; broken: Record<string, number> }> {
    const { status, body } = await call(`${server.url}/v1/admin/invariants`);
    expect(status).toBe(200);
    expect(body.invariants.map(({ name }: { name: string }) => name)).toEqual(Object.keys(INVARIANTS));
    const broken = body.invariants.filter(({ count }: { count: number }) => count > 0);
    return {
      healthy: body.healthy,
      broken: Object.fromEntries(broken.map(({ name, count }: { name: string; count: number }) => [name, count])),
    };
  }

  it('finds nothing where all is well', async () => {
    expect(await counts()).toEqual({ healthy: true, broken: {} });
  });

  it.each(Object.entries(BREACHES))('counts %s', async (name, breach) => {
    await server.database.pool.query(breach);
    const { healthy, broken } = await counts();
    expect([healthy, broken[name]]).toEqual([false, 1]);
  });
});
