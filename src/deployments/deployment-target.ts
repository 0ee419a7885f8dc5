import type { Queryable } from '../db/transaction.ts';

/** A model version served under a name. */
export interface StoredDeployment {
  readonly name: string;
  readonly modelName: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface DeploymentTarget {
  readonly projectId: string;
  readonly name: string;
  readonly modelName: string;
  readonly version: number;
}

/** Points a name at a version that has answered its golden rows; says whether the name is new. */
export async function pointDeployment(
  client: Queryable,
  { projectId, name, modelName, version }: DeploymentTarget,
): Promise<{ deployment: StoredDeployment; created: boolean }> {
  // A row that was inserted, not updated, has never been locked: its xmax is 0.
  const { rows } = await client.query<StoredDeployment & { created: boolean }>(
    `INSERT INTO deployment (project_id, name, model_name, version) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_id, name) DO UPDATE SET model_name = excluded.model_name, version = excluded.version, updated_at = now()
     RETURNING name, model_name AS "modelName", version, created_at AS "createdAt", updated_at AS "updatedAt", xmax = 0 AS created`,
    [projectId, name, modelName, version],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`deployment ${name} was not written`);
  const { created, ...deployment } = row;
  return { deployment, created };
}
