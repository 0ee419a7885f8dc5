import type { BlobStore } from '../blobs/blob-store.ts';
import type { DatasetService } from '../datasets/dataset-service.ts';
import { decodeWeights, loadPredictor, type ModelSpec, type TrainRequest } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { predictInstances } from '../models/predict-instances.ts';
import { fromMetadata, type Prediction } from '../preprocessing/index.ts';
import { type TrainingRequest, targetColumns } from '../training/training-request.ts';

export interface JobPredictionsDeps {
  readonly blobs: Pick<BlobStore, 'readAll'>;
  readonly datasets: Pick<DatasetService, 'readRows'>;
  readonly backend: TrainRequest['backend'];
}

/** What the network of a job says about a row of its dataset, beside what the row says itself. */
export interface RowPrediction {
  /** Counts from 0. */
  readonly row: number;
  readonly prediction: Prediction;
  /** Values of the target columns by name. */
  readonly target: Readonly<Record<string, unknown>>;
}

/** Predicts rows `from` to `to` (exclusive) of the dataset a job was about, with the weights it left. */
export async function predictRows(
  deps: JobPredictionsDeps,
  job: { readonly project: string; readonly request: TrainingRequest; readonly weightsBlobId: string },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<RowPrediction[]> {
  const { request } = job;
  if (request.window) {
    throw new AppError('state_conflict', { detail: 'A forecast has no prediction per row: deploy it, and predict from its last rows.' });
  }
  const rows = await datasetRows(deps, job, { from, to });
  if (rows.length === 0) return [];
  const { tensors, metadata } = decodeWeights(await deps.blobs.readAll(job.weightsBlobId));
  const read = (name: string): unknown => JSON.parse(metadata[name] ?? 'null');
  const outputs = metadata['outputs'] === undefined ? {} : { outputs: read('outputs') };
  const preprocessing = fromMetadata({ preprocessing: read('preprocessing'), target: read('target'), ...outputs });
  const predictor = loadPredictor({ spec: read('spec') as ModelSpec, weights: tensors, backend: deps.backend });
  const instances = rows.map((row) => picked(row, request.features));
  const answer = predictInstances({ preprocessing, predictor }, instances, { probabilities: true });
  if ('faults' in answer) throw new Error(`a row of the job's dataset is no instance: ${answer.faults[0]?.detail}`);
  const targets = targetColumns(request.target);
  return answer.predictions.map((prediction, i) => ({ row: from + i, prediction, target: picked(rows[i] ?? {}, targets) }));
}

async function datasetRows(
  { datasets }: JobPredictionsDeps,
  { project, request }: { readonly project: string; readonly request: TrainingRequest },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Record<string, unknown>[]> {
  try {
    return await datasets.readRows(project, request.dataset, from, to);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
    throw new AppError('state_conflict', { detail: 'The dataset of this job was deleted: there are no rows to predict.', cause: error });
  }
}

function picked(row: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}
