import { BlobError, type BlobStore } from '../blobs/blob-store.ts';
import { type BackendName, decodeWeights, loadPredictor, type ModelSpec, weightsData } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { sha256 } from '../lib/sha256.ts';
import { goldenFault } from '../models/golden-rows.ts';
import type { ModelService, StoredVersion } from '../models/model-service.ts';
import { type LoadedModel, predictInstances } from '../models/predict-instances.ts';
import { fromMetadata } from '../preprocessing/index.ts';
import type { DeploymentStore } from './deployment-store.ts';
import type { StoredDeployment } from './deployment-target.ts';
import { createModelCache } from './model-cache.ts';

export interface DeploymentServiceDeps {
  readonly deployments: DeploymentStore;
  readonly models: ModelService;
  readonly blobs: BlobStore;
  readonly backend: BackendName;
  readonly limits: { readonly predictRowsMax: number; readonly modelCacheBytesMax: number };
}

export type DeploymentService = ReturnType<typeof createDeploymentService>;

/** A version ready to answer. */
interface LoadedVersion extends LoadedModel {
  readonly version: StoredVersion;
  readonly bytes: number;
}

/** The version must not answer anybody here: what is stored is not what was trained, or this machine does not compute it. */
class UnfitVersionError extends Error {}

/** Versions served under names. Loaded ones are kept by the id of the version, which never changes its content. */
export function createDeploymentService({ deployments, models, blobs, backend, limits }: DeploymentServiceDeps) {
  const cache = createModelCache<LoadedVersion>({ bytesMax: limits.modelCacheBytesMax });

  async function get(project: string, name: string): Promise<StoredDeployment> {
    const deployment = await deployments.find(project, name);
    if (deployment === null) throw new AppError('not_found', { detail: `There is no deployment named "${name}".` });
    return deployment;
  }

  /** The version, once its weights are what was trained and it has answered its golden rows as it did where it was trained. */
  async function load(version: StoredVersion): Promise<LoadedVersion> {
    const tensors = decodeWeights(await readWeights(blobs, version)).tensors;
    const isTrained = sha256(...weightsData(tensors)) === version.weightsSha256;
    if (!isTrained) throw new UnfitVersionError('its stored weights are not those that were trained');
    const predictor = loadPredictor({ spec: version.spec as ModelSpec, weights: tensors, backend });
    const loaded = { version, preprocessing: fromMetadata(version.preprocessing), predictor, bytes: predictor.bytes };
    const fault = goldenFault(loaded, version.golden);
    if (fault !== null) throw new UnfitVersionError(fault);
    return loaded;
  }

  async function loaded(project: string, { modelName, version: number }: StoredDeployment): Promise<LoadedVersion> {
    const version = await models.getVersion(project, modelName, number);
    try {
      return await cache.get(version.id, () => load(version));
    } catch (error) {
      if (!(error instanceof UnfitVersionError)) throw error;
      const detail = `Version ${number} of model "${modelName}" does not answer: ${error.message}. Deploy another version.`;
      throw new AppError('internal', { detail, cause: error });
    }
  }

  return {
    get,
    list: deployments.list,

    /** Points the name at a version, once that version is loaded and has answered; until then, and if it fails, nothing changes. */
    async put(project: string, name: string, { model, version }: { model: string; version: number | null }) {
      const found = await models.getVersion(project, model, version);
      try {
        await cache.get(found.id, () => load(found));
      } catch (error) {
        if (!(error instanceof UnfitVersionError)) throw error;
        const detail = `Version ${found.version} of model "${model}" was not deployed: ${error.message}. Nothing was changed.`;
        throw new AppError('state_conflict', { detail, cause: error });
      }
      const placed = await deployments.put({ projectId: project, name, modelName: model, version: found.version });
      if (placed === null) throw new AppError('not_found', { detail: `Model "${model}" was deleted.` });
      return placed;
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
      const model = await loaded(project, await get(project, name));
      const answer = predictInstances(model, instances, { probabilities });
      if ('faults' in answer) {
        throw new AppError('input_invalid', { detail: `The instances have ${answer.faults.length} fault(s).`, errors: answer.faults });
      }
      return { model: model.version.modelName, version: model.version.version, predictions: [...answer.predictions] };
    },
  };
}

async function readWeights(blobs: BlobStore, { weightsBlobId }: StoredVersion): Promise<Uint8Array> {
  try {
    return await blobs.readAll(weightsBlobId);
  } catch (error) {
    if (error instanceof BlobError) throw new UnfitVersionError('its stored weights are damaged', { cause: error });
    throw error;
  }
}
