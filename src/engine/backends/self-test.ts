import type { Backend, Command, Program } from './backend.ts';
import { CONTROL } from './backend.ts';

const ROWS = 5;
const INPUTS = 3;
const UNITS = 2;
const TOLERANCE = 1e-4;

/** Throws unless `backend` trains a tiny classifier to the same weights as the reference. */
export function selfTest(backend: Backend, reference: Backend): void {
  const received = runProbe(backend);
  const expected = runProbe(reference);
  expected.forEach((value, i) => {
    const distance = Math.abs(received[i]! - value);
    if (!(distance <= TOLERANCE)) throw new Error(`The self-test of ${backend.variant} gave ${received[i]} where ${value} was expected`);
  });
}

/** Weights (and bias) after a few steps. */
function runProbe(backend: Backend): Float32Array {
  const arena = new ArrayBuffer(PROBE.arenaBytes);
  const weights = new Float32Array(arena, 0, WEIGHTS);
  weights.forEach((_, i) => {
    weights[i] = Math.sin(i + 1) / 2;
  });
  const features = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => Math.cos(i));
  const targets = Int32Array.from({ length: ROWS }, (_, i) => i % UNITS);
  backend.load(PROBE, arena).run({
    feeds: [features, targets],
    order: Int32Array.of(3, 1, 4, 0, 2),
    from: 0,
    to: ROWS,
    firstStep: 0,
    learningRates: Float64Array.of(0.1, 0.1, 0.1),
    seed: [1, 2],
    control: new Int32Array(CONTROL.words),
  });
  return weights;
}

/** A block of 16 floats holds the kernel, one of 16 the bias; every other buffer has a block of its own too. */
const BLOCK_FLOATS = 16;
const WEIGHTS = 2 * BLOCK_FLOATS;
const BATCH = 2;
const PROBE: Program = probe();

function probe(): Program {
  let blocks = 0;
  const real = (length: number) => {
    const byteOffset = 64 * blocks;
    blocks += Math.ceil(length / BLOCK_FLOATS);
    return { byteOffset, dtype: 'float32', length } as const;
  };
  const parameters = real(WEIGHTS);
  const gradients = real(WEIGHTS);
  const [first, second] = [real(WEIGHTS), real(WEIGHTS)];
  const at = (block: { byteOffset: number }, index: number, length: number) => {
    return { byteOffset: block.byteOffset + 64 * index, dtype: 'float32', length } as const;
  };
  const [x, hidden, logits, loss, output] = [
    real(BATCH * INPUTS),
    real(BATCH * UNITS),
    real(BATCH * UNITS),
    real(BATCH),
    real(BATCH * UNITS),
  ];
  const classes = { ...real(BATCH), dtype: 'int32' } as const;
  const rows = (size: number) => ({ size, perRow: true });
  const fixed = (size: number) => ({ size, perRow: false });
  const commands: Command[] = [
    { kernel: 'gather', buffers: [x], dims: [rows(1), fixed(INPUTS)], scalars: [0] },
    { kernel: 'gather', buffers: [classes], dims: [rows(1), fixed(1)], scalars: [1] },
    {
      kernel: 'dense',
      buffers: [x, at(parameters, 0, INPUTS * UNITS), at(parameters, 1, UNITS), hidden],
      dims: [rows(1), fixed(INPUTS), fixed(UNITS)],
      scalars: [],
    },
    { kernel: 'tanh', buffers: [hidden, logits], dims: [rows(UNITS)], scalars: [] },
    { kernel: 'sparse_softmax_cross_entropy', buffers: [logits, classes, loss, output], dims: [rows(1), fixed(UNITS)], scalars: [] },
    { kernel: 'guard_finite', buffers: [loss], dims: [rows(1)], scalars: [] },
    { kernel: 'sparse_softmax_cross_entropy_grad', buffers: [output, classes, hidden], dims: [rows(1), fixed(UNITS)], scalars: [] },
    { kernel: 'tanh_grad', buffers: [logits, hidden, hidden], dims: [rows(UNITS)], scalars: [] },
    {
      kernel: 'dense_grad_kernel',
      buffers: [x, hidden, at(gradients, 0, INPUTS * UNITS)],
      dims: [rows(1), fixed(INPUTS), fixed(UNITS)],
      scalars: [],
    },
    { kernel: 'dense_grad_bias', buffers: [hidden, at(gradients, 1, UNITS)], dims: [rows(1), fixed(UNITS)], scalars: [] },
    { kernel: 'adam', buffers: [parameters, gradients, first, second], dims: [fixed(WEIGHTS)], scalars: [0.9, 0.999, 1e-7] },
  ];
  return { commands, arenaBytes: 64 * blocks, batchSize: BATCH };
}
