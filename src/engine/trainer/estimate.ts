import { CONTROL } from '../backends/backend.ts';
import { backendFor } from '../backends/select.ts';
import { sizeOf } from '../shape.ts';
import type { ModelSpec, Task } from '../spec/model-spec.ts';
import { planJob } from './job-plan.ts';
import type { TrainingOptions } from './training.ts';

export interface EstimateRequest {
  readonly spec: ModelSpec;
  readonly task: Task;
  readonly training: TrainingOptions;
  readonly rows: number;
}

export interface Estimate {
  /** Exactly what the trainer allocates as its arena. */
  readonly memory_bytes: number;
  /** Floating-point operations of all epochs. */
  readonly flops: number;
  readonly seconds_p50: number;
  readonly seconds_p90: number;
}

/** Operations per parameter of an update: the most that an optimizer here needs. */
const UPDATE_FLOPS = 12;
/** Measured runs stayed below this multiple of the median; other jobs on the machine make up most of it. */
const P90_OVER_P50 = 2;

/** Cost of a job before it is queued: plans it, allocates nothing for it, and measures this machine at the first call. */
export function estimateTraining({ spec, task, training, rows }: EstimateRequest): Estimate {
  const plan = planJob({ spec, task, training, rows });
  const parameters = plan.weights.reduce((sum, { shape, trainable }) => sum + (trainable ? sizeOf(shape) : 0), 0);
  const stepsPerEpoch = Math.ceil(rows / plan.training.batchSize);
  const flops = training.epochs * (rows * plan.flopsPerRow.training + stepsPerEpoch * parameters * UPDATE_FLOPS);
  const { flopsPerSecond, secondsPerStep } = measureMachine();
  const seconds = flops / flopsPerSecond + training.epochs * stepsPerEpoch * secondsPerStep;
  return { memory_bytes: plan.arenaBytes, flops, seconds_p50: seconds, seconds_p90: seconds * P90_OVER_P50 };
}

interface Machine {
  readonly flopsPerSecond: number;
  /** Cost of a step in which there is almost nothing to compute. */
  readonly secondsPerStep: number;
}

let measured: Machine | undefined;

/** Rates of the backend in use here, from one tiny and one middle network; a few hundredths of a second, once. */
function measureMachine(): Machine {
  if (measured) return measured;
  const tiny = timeStep(probeSpec(4), 1);
  const middle = timeStep(probeSpec(128), 64);
  measured = { secondsPerStep: tiny.seconds, flopsPerSecond: middle.flops / Math.max(middle.seconds - tiny.seconds, middle.seconds / 2) };
  return measured;
}

function probeSpec(units: number): ModelSpec {
  const dense = { type: 'dense', units, activation: 'relu', use_bias: true, kernel_initializer: 'zeros', bias_initializer: 'zeros' };
  return { input_shape: [units], layers: ['first', 'second'].map((name) => ({ ...dense, name })) };
}

const PROBE_TRAINING = {
  loss: 'mean_squared_error',
  optimizer: { type: 'sgd', learning_rate: 0.01, momentum: 0, nesterov: false },
  metrics: [],
  checkpoint: { every_epochs: 1 },
  threads: 1,
  on_divergence: 'stop',
};

/** Best of a few timings: the machine without disturbance. */
function timeStep(spec: ModelSpec, batchSize: number): { seconds: number; flops: number } {
  const width = spec.input_shape![0]!;
  const plan = planJob({ spec, task: 'regression', training: { ...PROBE_TRAINING, batch_size: batchSize }, rows: batchSize });
  const session = backendFor('auto', [plan.training]).load(plan.training, new ArrayBuffer(plan.arenaBytes));
  const steps = 8;
  const request = {
    feeds: [new Float32Array(batchSize * width).fill(0.5), new Float32Array(batchSize * width)],
    order: Int32Array.from({ length: steps * batchSize }, (_, i) => i % batchSize),
    from: 0,
    to: steps * batchSize,
    firstStep: 0,
    learningRates: new Float64Array(steps).fill(0.01),
    seed: [0, 0] as const,
    control: new Int32Array(CONTROL.words),
  };
  const timings = Array.from({ length: 3 }, () => {
    const startedAt = performance.now();
    session.run(request);
    return (performance.now() - startedAt) / 1000 / steps;
  });
  return { seconds: Math.min(...timings), flops: batchSize * plan.flopsPerRow.training };
}
