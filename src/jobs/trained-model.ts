import { createHash } from 'node:crypto';
import { checkSpec, encodeSafetensors, type ModelSpec, type TrainResult, weightsData } from '../engine/index.ts';
import { labelsOf, signature, toMetadata } from '../preprocessing/index.ts';
import type { PreparedTraining } from '../training/prepare.ts';
import type { ClaimedJob, TrainedModel } from './execution-store.ts';
import { finiteNumbers } from './finite-json.ts';
import type { StopReason } from './job-state.ts';
import type { JobProgress } from './job-store.ts';

export interface TrainedModelInput {
  readonly job: ClaimedJob;
  readonly prepared: PreparedTraining;
  readonly result: TrainResult;
  readonly stopReason: StopReason;
  readonly progress: JobProgress;
  readonly datasetSha256: string;
  readonly build: { readonly engine: string; readonly backend: string };
}

/** Everything a successful job leaves behind: the weights with what is needed to use them, the result and the receipt. */
export function trainedModel(input: TrainedModelInput): TrainedModel {
  const { job, prepared, result, stopReason, progress } = input;
  const { spec, on_success: onSuccess } = job.request;
  const metrics = finiteNumbers(result.metrics);
  const metadata = toMetadata(prepared.preprocessing);
  const labels = labelsOf(prepared.preprocessing);
  const described = signature(prepared.preprocessing, outputWidth(spec));
  const texts = Object.entries({ spec, ...metadata, signature: described, labels }).map(([name, value]) => [name, JSON.stringify(value)]);
  const weightsSha256 = sha256(weightsData(result.weights));
  return {
    stopReason,
    progress,
    result: { metrics, converged: result.converged, weights_sha256: weightsSha256 },
    receipt: receiptOf(input),
    weightsFile: encodeSafetensors(result.weights, Object.fromEntries(texts)),
    version:
      onSuccess === null ? null : { modelName: onSuccess.model, spec, metrics, preprocessing: metadata, signature: described, labels },
  };
}

/** What was trained on what by what: the same receipt means the same weights. */
function receiptOf({ job, datasetSha256, build }: TrainedModelInput): object {
  return {
    ...job.receipt,
    spec_sha256: sha256(Buffer.from(JSON.stringify(job.request.spec))),
    dataset_sha256: datasetSha256,
    seed: job.request.training.seed,
    ...build,
  };
}

/** Values the network gives for a row. The spec was checked when the job was accepted. */
function outputWidth(spec: ModelSpec): number {
  const { output } = checkSpec({ spec, limits: UNLIMITED });
  if (output === null) throw new Error('the spec of a trained model does not pass its check');
  return output.shape.reduce((product, size) => product * size, 1);
}

const UNLIMITED = {
  layersMax: Number.POSITIVE_INFINITY,
  parametersMax: Number.POSITIVE_INFINITY,
  arenaBytesMax: Number.POSITIVE_INFINITY,
};

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
