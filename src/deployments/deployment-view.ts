import type { StoredDeployment } from './deployment-target.ts';

/** A deployment as the API shows it. A row exists only once its version answered, so it is always ready. */
export function deploymentView(deployment: StoredDeployment) {
  const self = `/v1/deployments/${deployment.name}`;
  return {
    object: 'deployment' as const,
    name: deployment.name,
    model: deployment.modelName,
    version: deployment.version,
    status: 'ready' as const,
    created_at: deployment.createdAt.toISOString(),
    updated_at: deployment.updatedAt.toISOString(),
    links: {
      self,
      predict: `${self}/predict`,
      model: `/v1/models/${deployment.modelName}`,
      version: `/v1/models/${deployment.modelName}/versions/${deployment.version}`,
    },
  };
}
