// `npm run bench`: time of one training step, per workload and backend. `--json` prints a line per result, `--only NAME`
// (may be repeated) picks workloads. Figures of one run on one machine: compare only within a run.
import { parseArgs } from 'node:util';
import { type BackendName, CONTROL, checkSpec, type ModelSpec, selectBackend, train } from '../src/engine/index.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const ROUNDS = 5;
/** The reference backend is the oracle, not a product: it is measured where it ends in seconds. */
const REFERENCE_WORK_MAX = 5e8;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } });

for (const workload of WORKLOADS.filter(({ name }) => values.only?.includes(name) ?? true)) {
  for (const backend of ['native', 'wasm', 'reference'] as const) {
    const { spec, flops } = normalised(workload);
    const work = flops * 3 * workload.batchSize * workload.steps;
    if (backend === 'reference' && work > REFERENCE_WORK_MAX) continue;
    const secondsPerStep = measure(workload, spec, backend);
    // A backward pass costs about two forward passes.
    const gflops = (flops * 3 * workload.batchSize) / secondsPerStep / 1e9;
    const { variant } = selectBackend(backend);
    const result = { engine: `alma-${backend}`, variant, workload: workload.name, threads: 1, us_per_step: secondsPerStep * 1e6, gflops };
    if (values.json) console.log(JSON.stringify(result));
    else
      console.log(
        `${workload.name.padEnd(12)} ${variant.padEnd(14)} ${(secondsPerStep * 1e6).toFixed(1).padStart(10)} µs/step ${gflops.toFixed(1).padStart(7)} GFLOP/s`,
      );
  }
}

/** The best round, after one to warm up. */
function measure({ task, features, classes, batchSize, steps }: Workload, spec: ModelSpec, backend: BackendName): number {
  const rows = batchSize * steps;
  const epochs = train({
    spec,
    task,
    training: {
      epochs: ROUNDS + 1,
      batch_size: batchSize,
      loss: task === 'classification' ? 'sparse_categorical_cross_entropy' : 'mean_squared_error',
      optimizer: { type: 'adam', learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
      metrics: [],
      seed: 0,
      shuffle: true,
      early_stopping: null,
      checkpoint: { every_epochs: ROUNDS + 1 },
      threads: 1,
      on_divergence: 'stop',
    },
    data: {
      rows,
      featureWidth: features,
      features: Float32Array.from({ length: rows * features }, (_, i) => Math.sin(i)),
      targetWidth: 1,
      targets:
        task === 'classification'
          ? Int32Array.from({ length: rows }, (_, i) => i % classes)
          : Float32Array.from({ length: rows }, (_, i) => Math.cos(i)),
    },
    split: { train: Int32Array.from({ length: rows }, (_, i) => i), validation: new Int32Array(0), test: new Int32Array(0) },
    backend,
    control: new Int32Array(new SharedArrayBuffer(CONTROL.words * 4)),
    now: () => performance.now(),
  });
  let best = Number.POSITIVE_INFINITY;
  for (const { epoch, seconds } of epochs) if (epoch > 1) best = Math.min(best, seconds / steps);
  return best;
}

function normalised(workload: Workload): { spec: ModelSpec; flops: number } {
  const limits = { layersMax: 100, parametersMax: 1e9, arenaBytesMax: 2 ** 34 };
  const { spec, layers, faults } = checkSpec({ spec: workload.spec, limits });
  if (spec === null) throw new Error(`workload ${workload.name} is not sound: ${faults[0]?.detail}`);
  return { spec, flops: layers.reduce((sum, layer) => sum + layer.flops, 0) };
}
