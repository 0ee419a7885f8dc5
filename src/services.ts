import { createInvariantService, type InvariantService } from './admin/invariant-service.ts';
import { type ApiKeyService, createApiKeyService } from './api-keys/api-key-service.ts';
import { createApiKeyStore } from './api-keys/api-key-store.ts';
import type { BlobStore } from './blobs/blob-store.ts';
import type { Config } from './config.ts';
import { createDatasetService, type DatasetService } from './datasets/dataset-service.ts';
import { createDatasetStore } from './datasets/dataset-store.ts';
import type { Database } from './db/database.ts';
import type { Listener } from './db/listener.ts';
import { createDeploymentService, type DeploymentService } from './deployments/deployment-service.ts';
import { createDeploymentStore } from './deployments/deployment-store.ts';
import { AppError } from './errors.ts';
import { createFleetService, type FleetService } from './fleet/fleet-service.ts';
import { createWorkerStore } from './fleet/worker-store.ts';
import { createIdempotencyStore, type IdempotencyStore } from './http/idempotency-store.ts';
import { type CheckpointService, createCheckpointService } from './jobs/checkpoint-service.ts';
import { createCheckpointStore } from './jobs/checkpoint-store.ts';
import { createEventStore } from './jobs/event-store.ts';
import { createJobService, type JobService } from './jobs/job-service.ts';
import { createJobStore } from './jobs/job-store.ts';
import { createLeaseRecovery } from './jobs/lease-recovery.ts';
import { createModelService, type ModelService } from './models/model-service.ts';
import { createModelStore } from './models/model-store.ts';
import { createTrainingCheckService, type TrainingCheckService } from './training/training-check-service.ts';

const MIB = 1024 * 1024;
/** Tables are read here only to show rows of them; training reads them in the worker. */
const TABLE_CACHE_BYTES = 64 * MIB;
const MODEL_CACHE_BYTES = 256 * MIB;

export interface Services {
  readonly apiKeys: ApiKeyService;
  readonly idempotency: IdempotencyStore;
  readonly datasets: DatasetService;
  readonly models: ModelService;
  readonly trainingChecks: TrainingCheckService;
  readonly jobs: JobService;
  readonly checkpoints: CheckpointService;
  readonly deployments: DeploymentService;
  readonly fleet: FleetService;
  readonly invariants: InvariantService;
}

export interface ServicesDeps {
  readonly config: Pick<Config, 'engine' | 'limits' | 'checkpoints'>;
  readonly database: Database;
  readonly listener: Listener;
  readonly blobs: BlobStore;
}

/** Builds every service of the API process, each from what it needs. Asks nothing of the database yet. */
export function createServices({ config: { engine, limits, checkpoints }, database, listener, blobs }: ServicesDeps): Services {
  const datasets = createDatasetService({
    store: createDatasetStore({ database }),
    blobs,
    database,
    limits,
    cacheBytesMax: TABLE_CACHE_BYTES,
  });
  const models = createModelService({ models: createModelStore(database), blobs, limits });
  const trainingChecks = createTrainingCheckService({
    findDataset: (project, id) => orNull(datasets.get(project, id)),
    findModelSpec: async (project, name) => (await orNull(models.get(project, name)))?.spec ?? null,
    limits,
  });
  const jobs = createJobStore(database);
  return {
    apiKeys: createApiKeyService({ store: createApiKeyStore(database), now: Date.now }),
    idempotency: createIdempotencyStore(database),
    datasets,
    models,
    trainingChecks,
    jobs: createJobService({
      jobs,
      events: createEventStore(database),
      notifications: listener,
      blobs,
      datasets,
      backend: engine.backend,
      trainingChecks,
    }),
    checkpoints: createCheckpointService({
      jobs,
      checkpoints: createCheckpointStore({ pool: database.pool, blobs }),
      bytesMax: checkpoints.bytesMax,
    }),
    deployments: createDeploymentService({
      deployments: createDeploymentStore(database),
      models,
      blobs,
      backend: engine.backend,
      limits: { predictRowsMax: limits.predictRowsMax, modelCacheBytesMax: MODEL_CACHE_BYTES },
    }),
    fleet: createFleetService({
      workers: createWorkerStore(database),
      recovery: createLeaseRecovery(database.pool),
    }),
    invariants: createInvariantService({ pool: database.pool }),
  };
}

/** What is not there becomes null: some callers ask in order to tell it as one fault among others. */
async function orNull<Found>(search: Promise<Found>): Promise<Found | null> {
  try {
    return await search;
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return null;
    throw error;
  }
}
