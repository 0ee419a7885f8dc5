// Our side of every measurement. Started by the bench, which talks to it as `protocol.ts` says.
import { createHash } from 'node:crypto';
import {
  type Backend,
  CONTROL,
  loadPredictor,
  type NamedTensor,
  STOP,
  selectBackend,
  type TrainRequest,
  train,
} from '../../src/engine/index.ts';
import { sines, trainingRequest } from '../training-request.ts';
import { type Rounds, type SideRequest, serveRounds } from './protocol.ts';

/** How long the calls of one round take together. */
const ROUND_MS = 50;
const PRODUCT_SIZE = 1024;
/** Of a sum of two arrays that no cache holds. */
const SUM_LENGTH = 2 ** 24;
const REPEATS = 5;

await serveRounds((request) => {
  const backend = chosenBackend(request.backend);
  const rounds = { training, inference, product, sum, job }[request.kind];
  return rounds(request, backend);
});

/** The backend of that name and no other. */
function chosenBackend(name: string): Backend {
  const backend = selectBackend(name as TrainRequest['backend']);
  if (backend.name !== name) throw new Error(`there is no backend ${name}`);
  return backend;
}

/** A round is `size` epochs of the workload's steps; the first one is over before. */
function training({ workload, threads }: SideRequest, { name, variant }: Backend): Rounds {
  const request = trainingRequest(workload, { backend: name, threads });
  const epochs = train(request);
  epochs.next();
  return {
    variant,
    round(size) {
      const startedAt = performance.now();
      for (let epoch = 0; epoch < size; epoch++) epochs.next();
      return (performance.now() - startedAt) / 1000 / (size * workload.steps);
    },
    end() {
      Atomics.store(request.control, CONTROL.stop, STOP.conclude);
      const { value, done } = epochs.next();
      if (!done || value.backend !== variant) throw new Error(`${workload.name} did not run on ${variant}`);
      return { weights_sha256: hashOf(value.weights), kernel_values: kernelValues(value.weights) };
    },
  };
}

/** A round predicts `size` rows again and again. */
function inference({ workload }: SideRequest, { name, variant }: Backend): Rounds {
  const { spec, weights } = trained({ ...workload, steps: 1 }, name);
  const predictor = loadPredictor({ spec, weights, backend: name });
  return {
    variant,
    round(rows) {
      const features = sines(rows * workload.features);
      return secondsPerCall(() => void predictor.predict(features, rows));
    },
    end: () => ({ kernel_values: kernelValues(weights) }),
  };
}

function trained(workload: SideRequest['workload'], backend: TrainRequest['backend']) {
  const request = trainingRequest(workload, { backend, threads: 1, epochs: 1 });
  const epochs = train(request);
  for (;;) {
    const { value, done } = epochs.next();
    if (done) return { spec: request.spec, weights: value.weights };
  }
}

/** A round multiplies two square matrices a few times. */
function product({ threads }: SideRequest, backend: Backend): Rounds {
  const length = PRODUCT_SIZE * PRODUCT_SIZE;
  const size = { size: PRODUCT_SIZE, perRow: false };
  return repeated(backend, { kernel: 'dense', lengths: [length, length, null, length], dims: [size, size, size], threads });
}

/** A round adds two long arrays a few times: 12 bytes moved per element. */
function sum({ threads }: SideRequest, backend: Backend): Rounds {
  const dims = [{ size: SUM_LENGTH, perRow: false }];
  return repeated(backend, { kernel: 'add', lengths: [SUM_LENGTH, SUM_LENGTH, SUM_LENGTH], dims, threads });
}

interface KernelCall {
  readonly kernel: string;
  /** Of its float32 buffers; null is an absent one. */
  readonly lengths: readonly (number | null)[];
  readonly dims: readonly { readonly size: number; readonly perRow: boolean }[];
  readonly threads: number;
}

/** A program of one kernel call. */
function repeated(backend: Backend, { kernel, lengths, dims, threads }: KernelCall): Rounds {
  // No buffer begins at 0, which may mean that it is absent.
  let arenaBytes = 64;
  const buffers = lengths.map((length) => {
    if (length === null) return null;
    const buffer = { byteOffset: arenaBytes, dtype: 'float32' as const, length };
    arenaBytes += length * Float32Array.BYTES_PER_ELEMENT;
    return buffer;
  });
  const program = { commands: [{ kernel, buffers, dims, scalars: [] }], arenaBytes, batchSize: 1 };
  const { arena, sessions } = backend.bind([program], threads);
  for (const buffer of buffers) if (buffer) new Float32Array(arena, buffer.byteOffset, buffer.length).fill(0.5);
  const run = {
    feeds: [],
    order: Int32Array.of(0),
    from: 0,
    to: 1,
    firstStep: 0,
    learningRates: new Float64Array(0),
    seed: [0, 0] as const,
    control: new Int32Array(CONTROL.words),
  };
  const runAll = () => {
    for (const session of sessions) session.run(run);
  };
  runAll();
  return {
    variant: backend.variant,
    round() {
      const startedAt = performance.now();
      for (let repeat = 0; repeat < REPEATS; repeat++) runAll();
      return (performance.now() - startedAt) / 1000 / REPEATS;
    },
    end: () => ({}),
  };
}

/** A round is a whole job of `size` epochs, with validation and final evaluation: what the service trains, without the service. */
function job({ workload, threads }: SideRequest, { name, variant }: Backend): Rounds {
  const validationRows = Math.round((workload.batchSize * workload.steps) / 4);
  const epoch_seconds: number[][] = [];
  return {
    variant,
    round(epochs) {
      const request = trainingRequest(workload, { backend: name, threads, epochs, validationRows, metrics: ['accuracy'] });
      const startedAt = performance.now();
      epoch_seconds.push(Array.from(train(request), ({ seconds }) => seconds));
      return (performance.now() - startedAt) / 1000;
    },
    end: () => ({ epoch_seconds }),
  };
}

/** The mean over as many calls as fill a round, after one to warm up. */
function secondsPerCall(call: () => void): number {
  call();
  const startedAt = performance.now();
  let calls = 0;
  for (; performance.now() - startedAt < ROUND_MS; calls++) call();
  return (performance.now() - startedAt) / 1000 / calls;
}

function hashOf(weights: readonly NamedTensor[]): string {
  const hash = createHash('sha256');
  for (const { data } of weights) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** The biases of a GRU have two axes and count as little as those of others. */
function kernelValues(weights: readonly NamedTensor[]): number {
  const kernels = weights.filter(({ name, shape }) => shape.length > 1 && !name.endsWith('/bias'));
  return kernels.reduce((total, { data }) => total + data.length, 0);
}
