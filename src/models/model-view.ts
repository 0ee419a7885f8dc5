import type { StoredModel, StoredVersion } from './model-store.ts';

/** A model as the API shows it. */
export function modelView(model: StoredModel) {
  return {
    object: 'model' as const,
    name: model.name,
    spec: model.spec,
    latest_version: model.latestVersion,
    created_at: model.createdAt.toISOString(),
    updated_at: model.updatedAt.toISOString(),
    links: { self: `/v1/models/${model.name}`, versions: `/v1/models/${model.name}/versions` },
  };
}

/** A trained version as the API shows it. */
export function versionView(version: StoredVersion) {
  const self = `/v1/models/${version.modelName}/versions/${version.version}`;
  return {
    id: version.id,
    object: 'model_version' as const,
    model: version.modelName,
    version: version.version,
    job: version.jobId,
    spec: version.spec,
    metrics: version.metrics,
    preprocessing: version.preprocessing,
    signature: version.signature,
    labels: version.labels,
    receipt: version.receipt,
    weights_sha256: version.weightsSha256,
    created_at: version.createdAt.toISOString(),
    links: { self, weights: `${self}/weights`, job: `/v1/jobs/${version.jobId}` },
  };
}
