import { CONTROL } from '../backends/backend.ts';
import { weightsBlock } from '../plan/weights-layout.ts';
import { sizeOf } from '../shape.ts';
import type { ModelSpec, Task } from '../spec/model-spec.ts';
import { planJob } from './job-plan.ts';
import { diagnosticsBytes } from './layer-diagnostics.ts';
import { train } from './trainer.ts';
import type { TrainingOptions, TrainRequest } from './training.ts';

export interface EstimateRequest {
  readonly spec: ModelSpec;
  readonly task: Task;
  readonly training: TrainingOptions;
  /** Rows that are trained on. */
  readonly rows: number;
  /** Whether every epoch tells how the layers are doing. */
  readonly diagnostics?: boolean;
  /** What the targets of the outputs after the first hold. */
  readonly furtherTargets?: readonly ('classes' | 'numbers')[];
}

export interface Estimate {
  /** Exactly what the trainer allocates: its arena, the best weights that it keeps, the copy that diagnostics look at. */
  readonly memory_bytes: number;
  /** Floating-point operations of all epochs. */
  readonly flops: number;
  readonly seconds_p50: number;
  readonly seconds_p90: number;
}

/** Operations per parameter of an update: the most that an optimizer here needs. */
const UPDATE_FLOPS = 12;
/** An allowance, not a measurement: a job that shares its core with another one takes twice as long. */
const P90_OVER_P50 = 2;

/** Cost of a job before it is queued: plans it, allocates nothing for it, and measures this machine at the first call. */
export function estimateTraining({ spec, task, training, rows, diagnostics = false, furtherTargets = [] }: EstimateRequest): Estimate {
  const plan = planJob({ spec, task, training, rows, furtherTargets });
  const parameters = plan.weights.reduce((sum, { shape, trainable }) => sum + (trainable ? sizeOf(shape) : 0), 0);
  const steps = training.epochs * Math.ceil(rows / plan.training.batchSize);
  const rowsTrained = training.epochs * rows;
  // Every epoch trains on all rows; the final evaluation passes over them once more.
  const flops = rowsTrained * plan.flopsPerRow.training + rows * plan.flopsPerRow.evaluation + steps * parameters * UPDATE_FLOPS;
  const { flopsPerSecond, secondsPerStep, secondsPerRow } = measureMachine();
  const seconds = flops / flopsPerSecond + steps * secondsPerStep + rowsTrained * secondsPerRow;
  return {
    memory_bytes: plan.arenaBytes + weightsBlock(plan.layout).bytes + (diagnostics ? diagnosticsBytes(plan) : 0),
    flops,
    seconds_p50: seconds,
    seconds_p90: seconds * P90_OVER_P50,
  };
}

interface Machine {
  readonly flopsPerSecond: number;
  /** Cost of a step in which there is almost nothing to compute, and of drawing a row's place in the order. */
  readonly secondsPerStep: number;
  readonly secondsPerRow: number;
}

let measured: Machine | undefined;

/** Rates of the trainer with the backend in use here, from three small jobs, once. */
function measureMachine(): Machine {
  if (measured) return measured;
  const wide = timeEpoch({ units: 1, rows: 1024, batchSize: 1024 });
  const tiny = timeEpoch({ units: 1, rows: 1024, batchSize: 1 });
  const middle = timeEpoch({ units: 128, rows: 128, batchSize: 64 });
  measured = {
    secondsPerRow: wide.seconds / 1024,
    secondsPerStep: Math.max(tiny.seconds - wide.seconds, 0) / 1024,
    flopsPerSecond: middle.flops / middle.seconds,
  };
  return measured;
}

interface Probe {
  readonly units: number;
  readonly rows: number;
  readonly batchSize: number;
}

/** Median time of an epoch, the first left out: it warms up. */
function timeEpoch(probe: Probe): { seconds: number; flops: number } {
  const request = probeRequest(probe);
  const seconds = [...train(request)].slice(1).map((report) => report.seconds);
  const { flopsPerRow } = planJob({ ...request, rows: probe.rows });
  return { seconds: seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)]!, flops: probe.rows * flopsPerRow.training };
}

function probeRequest({ units, rows, batchSize }: Probe): TrainRequest {
  const dense = { type: 'dense', units, activation: 'relu', use_bias: true, kernel_initializer: 'zeros', bias_initializer: 'zeros' };
  const dropout = { type: 'dropout', name: 'dropout', rate: 0.5 };
  return {
    spec: { input_shape: [units], layers: [{ ...dense, name: 'first' }, dropout, { ...dense, name: 'second' }] },
    task: 'regression',
    training: {
      epochs: 4,
      batch_size: batchSize,
      loss: 'mean_squared_error',
      optimizer: { type: 'sgd', learning_rate: 0.01, momentum: 0, nesterov: false },
      metrics: [],
      seed: 0,
      shuffle: true,
      early_stopping: null,
      checkpoint: { every_epochs: 1 },
      threads: 1,
      on_divergence: 'stop',
    },
    data: {
      rows,
      featureWidth: units,
      features: new Float32Array(rows * units),
      targetWidth: units,
      targets: new Float32Array(rows * units),
    },
    split: { train: Int32Array.from({ length: rows }, (_, row) => row), validation: new Int32Array(0), test: new Int32Array(0) },
    backend: 'auto',
    control: new Int32Array(CONTROL.words),
    now: () => performance.now(),
  };
}
