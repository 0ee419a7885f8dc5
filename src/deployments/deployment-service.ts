import { createHash } from 'node:crypto';
import type { BlobStore } from '../blobs/blob-store.ts';
import { decodeWeights, loadPredictor, type ModelSpec, type Predictor, weightsData } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import type { ModelService, StoredVersion } from '../models/model-service.ts';
import { decodeOutputs, encodeInstances, fromMetadata, type Preprocessing } from '../preprocessing/index.ts';
import type { DeploymentStore, StoredDeployment } from './deployment-store.ts';
import { createModelCache } from './model-cache.ts';

export interface DeploymentServiceDeps {
  readonly deployments: DeploymentStore;
  readonly models: ModelService;
  readonly blobs: BlobStore;
  readonly backend: 'auto' | 'native' | 'reference';
  readonly limits: { readonly predictRowsMax: number; readonly modelCacheBytesMax: number };
}

export type DeploymentService = ReturnType<typeof createDeploymentService>;

/** A version ready to answer. */
interface LoadedVersion {
  readonly version: StoredVersion;
  readonly preprocessing: Preprocessing;
  readonly predictor: Predictor;
  readonly bytes: number;
}

/** Versions served under names. Loaded ones are kept by the id of the version, which never changes its content. */
export function createDeploymentService({ deployments, models, blobs, backend, limits }: DeploymentServiceDeps) {
  const cache = createModelCache<LoadedVersion>({ bytesMax: limits.modelCacheBytesMax });

  async function get(project: string, name: string): Promise<StoredDeployment> {
    const deployment = await deployments.find(project, name);
    if (deployment === null) throw new AppError('not_found', { detail: `There is no deployment named "${name}".` });
    return deployment;
  }

  async function load(version: StoredVersion): Promise<LoadedVersion> {
    const { tensors } = decodeWeights(await blobs.readAll(version.weightsBlobId));
    const sha256 = createHash('sha256').update(weightsData(tensors)).digest('hex');
    if (sha256 !== version.weightsSha256)
      throw new Error(`weights of ${version.id} are damaged: ${sha256}, expected ${version.weightsSha256}`);
    const predictor = loadPredictor({ spec: version.spec as ModelSpec, weights: tensors, backend });
    return { version, preprocessing: fromMetadata(version.preprocessing), predictor, bytes: predictor.bytes };
  }

  async function loaded(project: string, modelName: string, number: number): Promise<LoadedVersion> {
    const version = await models.getVersion(project, modelName, number);
    return cache.get(version.id, () => load(version));
  }

  return {
    get,
    list: deployments.list,

    /** Points the name at a version, once that version is loaded and its weights are what was trained. */
    async put(project: string, name: string, { model, version }: { model: string; version: number | null }) {
      const found = await models.getVersion(project, model, version);
      await cache.get(found.id, () => load(found));
      return deployments.put(project, name, { modelName: model, version: found.version });
    },

    async remove(project: string, name: string): Promise<void> {
      if (!(await deployments.remove(project, name)))
        throw new AppError('not_found', { detail: `There is no deployment named "${name}".` });
    },

    /** Predicts rows given by column name or in feature order. Every wrong cell is a fault with the row's index. */
    async predict(project: string, name: string, { instances, probabilities }: { instances: readonly unknown[]; probabilities: boolean }) {
      if (instances.length > limits.predictRowsMax) {
        throw new AppError('limit_exceeded', {
          detail: `One request may hold ${limits.predictRowsMax} instances; it holds ${instances.length}. Send them in parts.`,
          members: { limit: limits.predictRowsMax },
        });
      }
      const deployment = await get(project, name);
      const { version, preprocessing, predictor } = await loaded(project, deployment.modelName, deployment.version);
      const encoded = encodeInstances(preprocessing, instances);
      if ('faults' in encoded) {
        throw new AppError('input_invalid', { detail: `The instances have ${encoded.faults.length} fault(s).`, errors: encoded.faults });
      }
      const output = predictor.predict(encoded.features, instances.length);
      const predictions = decodeOutputs({ preprocessing, output, rows: instances.length, width: predictor.outputWidth, probabilities });
      return { model: version.modelName, version: version.version, predictions };
    },
  };
}
