import type { ModelSpec, Task } from '../spec/model-spec.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import type { Feed } from './feeds.ts';

/** Training options after defaults: what the API echoes as `training`. */
export interface TrainingOptions {
  readonly epochs: number;
  readonly batch_size: number;
  /** Concrete loss type, never `auto`. */
  readonly loss: string;
  readonly optimizer: { readonly type: string; readonly learning_rate: number; readonly [option: string]: unknown };
  readonly metrics: readonly string[];
  readonly seed: number;
  readonly shuffle: boolean;
  readonly early_stopping: EarlyStoppingOptions | null;
  /** For the service: how often the state is kept. */
  readonly checkpoint: { readonly every_epochs: number };
  readonly threads: number;
  readonly on_divergence: 'stop';
}

export interface EarlyStoppingOptions {
  /** A key of the epoch's metrics, e.g. `val_loss`. */
  readonly metric: string;
  readonly patience: number;
  readonly min_delta: number;
  readonly restore_best: boolean;
}

/** Encoded rows, row-major. Class targets are Int32Array (rows), numeric ones Float32Array (rows × outputs), standardised. */
export interface TrainingData {
  readonly rows: number;
  readonly featureWidth: number;
  /** The inputs of a network side by side in each row. */
  readonly features: Float32Array;
  /** Instead of `features`: one array per input of a network with several. */
  readonly inputs?: readonly Feed[];
  readonly targetWidth: number;
  readonly targets: Float32Array | Int32Array;
  /** Targets of the outputs after the first. */
  readonly furtherTargets?: readonly Feed[];
  /** Standard deviation by which each numeric target column was divided: metrics are reported in the column's units. */
  readonly targetStd?: Float64Array;
}

/** Row numbers of each part. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

export interface TrainRequest {
  readonly spec: ModelSpec;
  readonly task: Task;
  readonly training: TrainingOptions;
  readonly data: TrainingData;
  readonly split: Split;
  readonly backend: 'auto' | 'native' | 'reference';
  /** State bytes of a checkpoint to go on from. */
  readonly resumeFrom?: Uint8Array;
  /** Words of `CONTROL` over a SharedArrayBuffer: stop flag in, steps out. */
  readonly control: Int32Array;
  /** Monotonic clock in milliseconds. */
  readonly now: () => number;
}

/** Metric values by name: `loss`, `accuracy`, `val_loss`, …; a value may be non-finite. */
export type Metrics = Readonly<Record<string, number>>;

export interface BestEpoch {
  readonly epoch: number;
  readonly metric: string;
  readonly value: number;
}

/** Yielded by the trainer after every epoch. */
export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  /** Updates done since the start of the job. */
  readonly step: number;
  readonly metrics: Metrics;
  readonly learning_rate: number;
  readonly seconds: number;
  readonly best: BestEpoch;
  /** The whole engine state after this epoch (parameters, slots, early stopping, best weights); resuming from it is bit-exact. */
  readonly state: () => Uint8Array;
}

export type TrainerStopReason = 'completed' | 'early_stopping' | 'divergence' | 'stopped';

/** Returned by the trainer at its end. `stopped` means the control flag was raised. */
export interface TrainResult {
  readonly stop_reason: TrainerStopReason;
  /** Final values, with `test_…` when there is a test part. Evaluated with the weights returned. */
  readonly metrics: Metrics;
  readonly best: BestEpoch | null;
  /** Weights of the model in spec order, running statistics included. */
  readonly weights: readonly NamedTensor[];
  /** For `divergence`: where the first non-finite value was seen. */
  readonly divergence?: { readonly step: number; readonly detail: string };
}
