import { engineVersion, safetensorsPieces, weightsData } from '../engine/index.ts';
import { finiteResults } from '../lib/finite-json.ts';
import { sha256 } from '../lib/sha256.ts';
import type { TrainedNetwork } from '../training/run-training.ts';
import { describeWeights, weightsTexts } from '../training/weights-texts.ts';
import type { ClaimedJob, TrainedModel } from './execution-store.ts';
import type { StopReason } from './job-state.ts';
import type { JobProgress } from './job-store.ts';

export interface TrainedModelInput {
  readonly job: ClaimedJob;
  readonly trained: TrainedNetwork;
  readonly stopReason: StopReason;
  readonly progress: JobProgress;
  readonly datasetSha256: string;
}

/** Everything a successful job leaves behind: the weights with what is needed to use them, the result and the receipt. */
export function trainedModel(input: TrainedModelInput): TrainedModel {
  const { job, trained, stopReason, progress } = input;
  const { result, preprocessing, golden } = trained;
  const { spec, on_success: onSuccess } = job.request;
  const metrics = finiteResults(result.metrics, result.matrices);
  const described = describeWeights(spec, preprocessing);
  const weightsSha256 = sha256(...weightsData(result.weights));
  return {
    stopReason,
    progress,
    result: { metrics, converged: result.converged, weights_sha256: weightsSha256 },
    receipt: receiptOf({
      ...input,
      backend: result.backend,
      learningRate: job.request.kind === 'evaluation' ? null : result.learning_rate,
    }),
    weightsFile: safetensorsPieces(result.weights, weightsTexts(described)),
    version:
      onSuccess === null
        ? null
        : {
            modelName: onSuccess.model,
            deployment: onSuccess.deploy,
            spec,
            metrics,
            preprocessing: described.metadata,
            signature: described.signature,
            labels: described.labels,
            golden,
          },
  };
}

export interface ReceiptInput {
  readonly job: ClaimedJob;
  readonly datasetSha256: string;
  readonly backend: string;
  /** What schedules start from, found or given; null where nothing was updated, or where none was found. */
  readonly learningRate: number | null;
}

/** What was trained on what by what: the same receipt means the same weights. */
export function receiptOf({ job, datasetSha256, backend, learningRate }: ReceiptInput): object {
  return {
    ...job.receipt,
    spec_sha256: sha256(JSON.stringify(job.request.spec)),
    dataset_sha256: datasetSha256,
    seed: job.request.training.seed,
    engine: engineVersion,
    backend,
    learning_rate: learningRate,
  };
}
