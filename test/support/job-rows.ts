import type pg from 'pg';
import { newId } from '../../src/lib/ids.ts';

const PROJECT = 'prj_default';

/** What the workers of tests compute with, where none trains. */
export const IDENTITY = { engine: '1', backend: 'reference' };

/** A queued job as the API would store it, without its dataset; with the doorbell for its first attempt unless told otherwise. */
export async function insertJob(
  pool: pg.Pool,
  options: { request?: object; datasetId?: string; doorbell?: boolean } = {},
): Promise<string> {
  const id = newId('job');
  await pool.query(
    `INSERT INTO job (id, project_id, kind, status, request, dataset_id, progress, receipt)
     VALUES ($1, $2, 'training', 'queued', $3, $4, '{}', '{}')`,
    [id, PROJECT, JSON.stringify(options.request ?? {}), options.datasetId ?? null],
  );
  if (options.doorbell !== false) {
    await pool.query('INSERT INTO outbox (job_id, attempt) VALUES ($1, 1)', [id]);
    await pool.query(`SELECT pg_notify('outbox', '')`);
  }
  return id;
}
