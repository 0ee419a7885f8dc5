import type { ClientBase } from 'pg';
import { newId } from '../lib/ids.ts';
import type { GoldenRows } from './golden-rows.ts';

/** What a job hands over to become a version of a model. */
export interface NewModelVersion {
  readonly projectId: string;
  readonly modelName: string;
  readonly jobId: string;
  readonly spec: unknown;
  readonly metrics: unknown;
  readonly preprocessing: unknown;
  readonly signature: unknown;
  readonly labels: unknown;
  readonly receipt: unknown;
  readonly golden: GoldenRows;
  readonly weightsBlobId: string;
  readonly weightsSha256: string;
}

/**
 * Adds the next version of a model inside the transaction that ends the job, creating the model with the job's own spec
 * when there is none. Returns the version's number.
 */
export async function insertModelVersion(client: ClientBase, version: NewModelVersion): Promise<number> {
  const { projectId, modelName } = version;
  const spec = JSON.stringify(version.spec);
  // The update takes the model's row, so that two jobs that end together count one after the other.
  await client.query(
    `INSERT INTO model (project_id, name, spec) VALUES ($1, $2, $3)
     ON CONFLICT (project_id, name) DO UPDATE SET updated_at = now()`,
    [projectId, modelName, spec],
  );
  const { rows } = await client.query<{ version: number }>(
    `INSERT INTO model_version (id, project_id, model_name, version, job_id, spec, metrics, preprocessing, signature, labels, receipt,
                                golden, weights_blob_id, weights_sha256)
     SELECT $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
       FROM model_version WHERE project_id = $2 AND model_name = $3
     RETURNING version`,
    [
      newId('modelVersion'),
      projectId,
      modelName,
      version.jobId,
      spec,
      JSON.stringify(version.metrics),
      JSON.stringify(version.preprocessing),
      JSON.stringify(version.signature),
      version.labels === null ? null : JSON.stringify(version.labels),
      JSON.stringify(version.receipt),
      JSON.stringify(version.golden),
      version.weightsBlobId,
      version.weightsSha256,
    ],
  );
  const inserted = rows[0];
  if (inserted === undefined) throw new Error(`no version was added to model ${modelName}`);
  return inserted.version;
}
