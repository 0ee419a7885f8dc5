import { CONTROL } from '../../../src/engine/backends/backend.ts';
import { train } from '../../../src/engine/trainer/trainer.ts';
import type { EpochReport, HeldData, TrainingOptions, TrainRequest, TrainResult } from '../../../src/engine/trainer/training.ts';

const dense = { type: 'dense', use_bias: true, kernel_initializer: 'glorot_uniform', bias_initializer: 'zeros' };
const ROWS = 90;

/** A job whose data is in memory. */
export type HeldRequest = TrainRequest & { readonly data: HeldData };

/** A small classification job whose classes can be learned; `changes` replaces training options. */
export function classification(changes: Partial<TrainingOptions> = {}, request: Partial<HeldRequest> = {}): HeldRequest {
  const features = Float32Array.from({ length: ROWS * 4 }, (_, i) => Math.sin(i * 7.3));
  const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
  const score = (row: number) => features[row * 4]! + features[row * 4 + 1]! / 2;
  return {
    spec: {
      input_shape: [4],
      layers: [
        { ...dense, name: 'hidden', units: 12, activation: 'relu' },
        { type: 'dropout', name: 'dropout', rate: 0.2 },
        { ...dense, name: 'out', units: 3, activation: 'softmax' },
      ],
    },
    task: 'classification',
    training: { ...OPTIONS, ...changes },
    data: {
      rows: ROWS,
      featureWidth: 4,
      features,
      targetWidth: 1,
      targets: rows.map((row) => (score(row) > 0.4 ? 2 : Number(score(row) > -0.4))),
    },
    split: { train: rows.slice(0, 60), validation: rows.slice(60, 80), test: rows.slice(80) },
    backend: 'reference',
    control: new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT)),
    now: () => 0,
    ...request,
  };
}

const OPTIONS: TrainingOptions = {
  epochs: 8,
  batch_size: 16,
  loss: 'sparse_categorical_cross_entropy',
  optimizer: { type: 'adam', learning_rate: 0.02, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
  metrics: ['accuracy'],
  seed: 5,
  shuffle: true,
  early_stopping: null,
  checkpoint: { every_epochs: 1 },
  threads: 1,
  on_divergence: 'stop',
};

export interface Finished {
  readonly reports: EpochReport[];
  /** State after each epoch. */
  readonly states: Uint8Array[];
  readonly result: TrainResult;
}

/** Trains to the end; `onReport` sees each report while it is current. */
export function trainToEnd(request: TrainRequest, onReport: (report: EpochReport) => void = () => {}): Finished {
  const run = train(request);
  const reports: EpochReport[] = [];
  const states: Uint8Array[] = [];
  for (;;) {
    const next = run.next();
    if (next.done) return { reports, states, result: next.value };
    reports.push(next.value);
    states.push(Buffer.concat(next.value.state()));
    onReport(next.value);
  }
}

/** What two equal runs must have in common: every number but the time. */
export function numbersOf({ reports, result }: Finished) {
  return {
    reports: reports.map(({ state: _state, seconds: _seconds, ...numbers }) => numbers),
    result: {
      ...result,
      weights: result.weights.map(({ name, data }) => [name, [...new Uint32Array(data.buffer, data.byteOffset, data.length)]]),
    },
  };
}
