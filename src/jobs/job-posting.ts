import type { Tx } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import { sha256 } from '../lib/sha256.ts';
import { type CheckedTrainingRequest, unknownDataset } from '../training/check-training-request.ts';
import { refusal } from '../training/training-check-service.ts';
import { appendEvent } from './event-store.ts';
import type { JobFork, JobProgress, JobStore } from './job-store.ts';

const NO_PROGRESS = { fraction: 0, epoch: 0, step: 0, eta_seconds: null, samples_per_second: null };

/** Stores the job of a checked request, with its first events, and returns its id. Throws spec_invalid when the dataset is gone. */
export async function insertTraining(
  tx: Tx,
  jobs: JobStore,
  { project, checked, fork, progress }: { project: string; checked: CheckedTrainingRequest; fork?: JobFork; progress?: JobProgress },
): Promise<string> {
  const { request, warnings, datasetSha256, steps } = checked;
  // It was there when the request was checked.
  if (!(await jobs.holdDataset(tx, project, request.dataset))) throw refusal([unknownDataset(request.dataset)]);
  const id = newId('job');
  await jobs.insert(tx, {
    id,
    project,
    kind: request.kind,
    request,
    datasetId: request.dataset,
    modelName: request.on_success?.model ?? request.model,
    progress: progress ?? { ...NO_PROGRESS, epochs: request.training.epochs, steps },
    receipt: {
      spec_sha256: sha256(JSON.stringify(request.spec)),
      dataset_sha256: datasetSha256,
      seed: request.training.seed,
      engine: null,
      backend: null,
      learning_rate: null,
    },
    fork,
  });
  for (const { code, detail, pointer } of warnings) {
    await appendEvent(tx, id, { type: 'warning', data: { code, detail, pointer } });
  }
  return id;
}
