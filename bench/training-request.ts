import { CONTROL, checkSpec, type LayerReport, type ModelSpec, type TrainRequest } from '../src/engine/index.ts';
import type { Workload } from './workloads.ts';

/** More than any measurement runs: it is ended from outside. */
const EPOCHS_MAX = 1e6;

/** The spec with its defaults and what its layers cost. */
export function checked({ name, spec }: Pick<Workload, 'name' | 'spec'>): {
  readonly spec: ModelSpec;
  readonly layers: readonly LayerReport[];
} {
  const limits = { layersMax: 100, parametersMax: 1e9, arenaBytesMax: 2 ** 34 };
  const report = checkSpec({ spec, limits });
  if (report.spec === null) throw new Error(`workload ${name} is not sound: ${report.faults[0]?.detail}`);
  return { spec: report.spec, layers: report.layers };
}

export interface RequestOptions {
  readonly backend: TrainRequest['backend'];
  readonly threads: number;
  readonly epochs?: number;
  /** Rows after those that are trained on. */
  readonly validationRows?: number;
  readonly metrics?: readonly string[];
}

/** What the engine is asked for: an epoch is one round of the workload, on rows made of sines. */
export function trainingRequest(workload: Workload, options: RequestOptions): TrainRequest {
  const { task, features, classes, batchSize, steps } = workload;
  const { backend, threads, epochs = EPOCHS_MAX, validationRows = 0, metrics = [] } = options;
  const trainRows = batchSize * steps;
  const rows = trainRows + validationRows;
  const isClasses = task === 'classification';
  return {
    spec: checked(workload).spec,
    task,
    training: {
      epochs,
      batch_size: batchSize,
      loss: isClasses ? 'sparse_categorical_cross_entropy' : 'mean_squared_error',
      optimizer: { type: 'adam', learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
      metrics,
      seed: 0,
      shuffle: true,
      early_stopping: null,
      checkpoint: { every_epochs: EPOCHS_MAX },
      threads,
      on_divergence: 'stop',
    },
    data: {
      rows,
      featureWidth: features,
      features: sines(rows * features),
      targetWidth: 1,
      targets: isClasses ? Int32Array.from({ length: rows }, (_, i) => i % classes) : sines(rows),
    },
    split: { train: range(0, trainRows), validation: range(trainRows, rows), test: new Int32Array(0) },
    backend,
    control: new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT)),
    now: () => performance.now(),
  };
}

/** Values between -1 and 1. */
export function sines(length: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = Math.sin(i);
  return values;
}

function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i);
}
