import type { BackendName } from '../backends/select.ts';
import type { Matrix, TargetUnits } from '../metrics/metric.ts';
import type { ModelSpec, Task } from '../spec/model-spec.ts';
import type { ReadableFile } from '../weights/safetensors.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import type { Feed } from './feeds.ts';
import type { LayerDiagnostics } from './layer-diagnostics.ts';

/** Training options after defaults: what the API echoes as `training`. */
export interface TrainingOptions {
  readonly epochs: number;
  readonly batch_size: number;
  /** Concrete loss, never `auto`: its type alone, or with options. */
  readonly loss: string | TypedOptions;
  /** For a network with several outputs: what one of them has instead, by its name. */
  readonly outputs?: Readonly<Record<string, OutputTraining>>;
  /** A learning rate `auto` is found by a range test before the first epoch. */
  readonly optimizer: { readonly type: string; readonly learning_rate: number | 'auto'; readonly [option: string]: unknown };
  /** Types alone, or with options. */
  readonly metrics: readonly (string | TypedOptions)[];
  /** How the learning rate changes; null: not at all. */
  readonly schedule?: TypedOptions | null;
  /** Bounds of gradients: of each element, of the norm per weight, of the norm of all together. Applied in this order. */
  readonly clip_value?: number | null;
  readonly clip_norm?: number | null;
  readonly global_clip_norm?: number | null;
  /** Factor of the loss of each class, by label or index as text; missing ones count 1. */
  readonly class_weight?: Readonly<Record<string, number>> | null;
  /** For the service: the column that `TrainingData.sampleWeights` comes from. */
  readonly sample_weight_column?: string | null;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly early_stopping: EarlyStoppingOptions | null;
  /** For the service: how often the state is kept, and how many of them. */
  readonly checkpoint: { readonly every_epochs: number; readonly every_seconds?: number | null; readonly keep?: number };
  readonly threads: number;
  readonly on_divergence: 'stop';
}

/** A row of a table of the engine, chosen with options. */
export interface TypedOptions {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** Training options of one output among several. */
export interface OutputTraining {
  readonly loss?: string | TypedOptions;
  /** Factor of its loss in the sum; default 1. */
  readonly loss_weight?: number;
  readonly metrics?: TrainingOptions['metrics'];
}

export interface EarlyStoppingOptions {
  /** A key of the epoch's metrics, e.g. `val_loss`. */
  readonly metric: string;
  readonly patience: number;
  readonly min_delta: number;
  readonly restore_best: boolean;
}

/** Encoded rows, row-major. Class targets are Int32Array (rows), numeric ones Float32Array (rows × outputs), standardised. */
export interface EncodedRows {
  /** The inputs of a network side by side in each row. */
  readonly features: Float32Array;
  /** Instead of `features`: one array per input of a network with several. */
  readonly inputs?: readonly Feed[];
  readonly targets: Float32Array | Int32Array;
  /** Targets of the outputs after the first. */
  readonly furtherTargets?: readonly Feed[];
  /** Factor of each row's loss, or of each time step's, row-major. */
  readonly sampleWeights?: Float32Array;
}

/** What is known of the rows beside their numbers. */
interface DataDescription {
  readonly rows: number;
  readonly featureWidth: number;
  readonly targetWidth: number;
  /** Standard deviation by which each numeric target column was divided: metrics are reported in the column's units. */
  readonly targetStd?: Float64Array;
  /** Mean that was taken from each numeric target column. */
  readonly targetMean?: Float64Array;
  /** Numeric targets of these rows as their columns have them, where `targets` tells them against something else: (rows × outputs). */
  readonly targetLevels?: (rows: Int32Array) => Float64Array;
  /** Deviation and mean of the targets of the outputs after the first. */
  readonly furtherUnits?: readonly TargetUnits[];
  /** Labels of the classes in the order of their indices: `class_weight` names them. */
  readonly labels?: readonly string[];
}

/** All rows in memory. */
export interface HeldData extends DataDescription, EncodedRows {}

/** Rows that are read whenever they are needed: data that would not fit in memory. The same rows train to the same bits. */
export interface StoredData extends DataDescription {
  /** Rows to ask for at once; where a batch is larger, a whole batch is asked for. */
  readonly rowsPerRead: number;
  /** These rows in this order. The next read may overwrite what it gave. */
  readonly read: (rows: Int32Array) => EncodedRows;
}

export type TrainingData = HeldData | StoredData;

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
  readonly backend: BackendName;
  /** Values the weights of these names start from instead of drawn ones. */
  readonly initialWeights?: readonly NamedTensor[];
  /** The state of a checkpoint to go on from. */
  readonly resumeFrom?: ReadableFile;
  /** Texts that every state carries, beside the weights somebody may take out of it. */
  readonly stateTexts?: Readonly<Record<string, string>>;
  /** Words of `CONTROL` over a SharedArrayBuffer: the wish to stop in, steps out. */
  readonly control: Int32Array;
  /** Whether each report says how the layers are doing, at the price of one more step per epoch. */
  readonly diagnostics?: boolean;
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

/** Results that are tables of numbers, by name. */
export type Matrices = Readonly<Record<string, Matrix>>;

/** Where the first non-finite value was seen. The step was not applied. */
export interface Divergence {
  /** Updates before it. */
  readonly step: number;
  readonly detail: string;
  /** Layer and tensor of the value; null when running the step again does not show it. */
  readonly layer: string | null;
  readonly tensor: string | null;
  /** Row numbers of the dataset: those with such a value, or the whole batch where the value belongs to no row. */
  readonly rows: readonly number[];
}

/** Yielded by the trainer after every epoch. */
export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  /** Updates done since the start of the job. */
  readonly step: number;
  readonly metrics: Metrics;
  /** Results that are no single number: `confusion_matrix`, `val_confusion_matrix`. */
  readonly matrices?: Matrices;
  /** Rate of the last update. */
  readonly learning_rate: number;
  readonly seconds: number;
  readonly best: BestEpoch;
  /** On request: how the layers are doing. */
  readonly layers?: readonly LayerDiagnostics[];
  /**
   * The whole engine state after this epoch (parameters, slots, early stopping, best weights); resuming from it is bit-exact. In pieces,
   * most of which are the trainer's own memory: they hold other numbers as soon as it goes on.
   */
  readonly state: () => Uint8Array[];
}

export type TrainerStopReason = 'completed' | 'early_stopping' | 'concluded' | 'divergence' | 'not_separable' | 'abandoned';

/** Returned by the trainer at its end. `concluded` and `abandoned` are what `STOP` asked for. */
export interface TrainResult {
  readonly stop_reason: TrainerStopReason;
  /** Backend that ran, with its instruction set: the reference when the selected one lacked a kernel. */
  readonly backend: string;
  /**
   * Final values, with `test_…` when there is a test part, evaluated with the weights returned. After `divergence` and
   * `abandoned` those of the newest epoch.
   */
  readonly metrics: Metrics;
  readonly matrices: Matrices;
  /** The rate of the optimizer that schedules start from: as asked for, or as it was found. */
  readonly learning_rate: number;
  /** Whether training came to an end of its own: false for a perceptron that still errs, after divergence and when stopped. */
  readonly converged: boolean;
  readonly best: BestEpoch | null;
  /** Weights of the model in spec order, running statistics included. */
  readonly weights: readonly NamedTensor[];
  /** For `divergence`: where the first non-finite value was seen. */
  readonly divergence?: Divergence;
}
