import { planTraining } from '../plan/training-plan.ts';
import type { Backend } from './backend.ts';
import { CONTROL } from './backend.ts';

const ROWS = 7;
const STEPS = 3;
const TOLERANCE = 1e-4;

const SPEC = {
  input_shape: [5],
  layers: [
    { type: 'dense', name: 'hidden', units: 9, activation: 'tanh', use_bias: true, kernel_initializer: 'zeros', bias_initializer: 'zeros' },
    { type: 'dropout', name: 'dropout', rate: 0.25 },
    { type: 'dense', name: 'out', units: 3, activation: 'softmax', use_bias: true, kernel_initializer: 'zeros', bias_initializer: 'zeros' },
  ],
};

/** Throws unless `backend` trains a tiny classifier to the same weights as the reference. */
export function selfTest(backend: Backend, reference: Backend): void {
  const received = probe(backend);
  const expected = probe(reference);
  expected.forEach((value, i) => {
    const agrees = Math.abs(received[i]! - value) <= TOLERANCE;
    if (!agrees) throw new Error(`The self-test of ${backend.variant} gave ${received[i]} where ${value} was expected`);
  });
}

/** Weights after a few steps, the last of them with fewer rows. */
function probe(backend: Backend): Float32Array {
  const { training, layout } = planTraining({
    spec: SPEC,
    outputs: [{ loss: 'sparse_categorical_cross_entropy', metrics: [{ name: 'accuracy' }], target: 'classes' }],
    update: { kernel: 'sgd_momentum', scalars: [0.9, 1], slots: 1 },
    batchSize: STEPS,
    evaluationBatchSize: STEPS,
    realBytes: 4,
  });
  const { arena, sessions } = backend.bind([training]);
  for (const { byteOffset, length } of layout.weights) {
    new Float32Array(arena, byteOffset, length).set(Float32Array.from({ length }, (_, i) => Math.sin(i + length) / 2));
  }
  sessions[0]!.run({
    feeds: [Float32Array.from({ length: ROWS * 5 }, (_, i) => Math.cos(i)), Int32Array.from({ length: ROWS }, (_, i) => i % 3)],
    order: Int32Array.of(3, 1, 4, 0, 6, 2, 5),
    from: 0,
    to: ROWS,
    firstStep: 0,
    learningRates: new Float64Array(STEPS).fill(0.1),
    seed: [1, 2],
    control: new Int32Array(CONTROL.words),
  });
  return new Float32Array(arena, layout.trainable.byteOffset, layout.trainable.bytes / Float32Array.BYTES_PER_ELEMENT);
}
