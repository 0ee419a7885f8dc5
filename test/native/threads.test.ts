import { describe, expect, it } from 'vitest';
import { type Backend, CONTROL } from '../../src/engine/backends/backend.ts';
import { selectBackend } from '../../src/engine/backends/select.ts';
import { planTraining } from '../../src/engine/plan/training-plan.ts';
import { checkSpec } from '../../src/engine/spec/check-spec.ts';
import { hasAddon } from './native-addon.ts';

const LIMITS = { layersMax: 20, parametersMax: 1e7, arenaBytesMax: 1e9 };
const STEPS = 2;

/** Networks whose every kind of work is large enough to be cut into tasks. The last batch is a smaller one. */
const NETWORKS = [
  {
    name: 'dense layers',
    inputShape: [210],
    batch: 130,
    layers: [
      { type: 'dense', units: 520, activation: 'relu' },
      { type: 'dropout', rate: 0.25 },
      { type: 'dense', units: 300, activation: 'tanh' },
    ],
  },
  {
    name: 'convolutions',
    inputShape: [20, 20, 3],
    batch: 24,
    layers: [
      { type: 'conv2d', filters: 24, kernel_size: 3, padding: 'same' },
      { type: 'batch_normalization' },
      { type: 'activation', activation: 'relu' },
      { type: 'max_pooling2d' },
      { type: 'conv2d', filters: 32, kernel_size: 3, padding: 'same' },
      { type: 'depthwise_conv2d', kernel_size: 3, padding: 'same' },
      { type: 'conv2d', filters: 40, kernel_size: 5, activation: 'relu' },
      { type: 'flatten' },
    ],
  },
  { name: 'an LSTM', inputShape: [6, 40], batch: 40, layers: [{ type: 'lstm', units: 130 }] },
  { name: 'a GRU', inputShape: [6, 40], batch: 40, layers: [{ type: 'gru', units: 130 }] },
];

describe.skipIf(!hasAddon())('a training step', () => {
  it.each(NETWORKS)('of $name gives the same bits with one, two and three threads', (network) => {
    const native = selectBackend('native');
    const alone = trainedWeights(network, native, 1);
    expect(new Set(new Float32Array(alone.buffer, alone.byteOffset, alone.length / 4)).size).toBeGreaterThan(1000);
    for (const threads of [2, 3]) expect(Buffer.compare(trainedWeights(network, native, threads), alone)).toBe(0);
  });

  it.each(NETWORKS)('of $name gives the same bits in WebAssembly, where multiply-adds round once', (network) => {
    const [native, wasm] = (['native', 'wasm'] as const).map(selectBackend) as [Backend, Backend];
    const roundsOnce = native.variant !== 'native-baseline' && wasm.variant === 'wasm-simd128';
    expect(Buffer.compare(trainedWeights(network, wasm), trainedWeights(network, native)) === 0).toBe(roundsOnce);
  });
});

/** Bytes of all weights, gradients and slots after a few steps. */
function trainedWeights({ inputShape, batch, layers }: (typeof NETWORKS)[number], backend: Backend, threads = 1): Uint8Array {
  const { spec } = checkSpec({
    spec: { input_shape: inputShape, layers: [...layers, { type: 'dense', units: 7, activation: 'softmax' }] },
    limits: LIMITS,
  });
  const { training, layout } = planTraining({
    spec: spec!,
    outputs: [{ loss: 'sparse_categorical_cross_entropy', metrics: [{ name: 'accuracy' }], target: 'classes' }],
    update: { kernel: 'adam', scalars: [0.9, 0.999, 1e-7], slots: 2 },
    batchSize: batch,
    evaluationBatchSize: batch,
    realBytes: 4,
  });
  const { arena, sessions } = backend.bind([training], threads);
  const weights = new Float32Array(arena, layout.trainable.byteOffset, layout.trainable.bytes / 4);
  weights.forEach((_, i) => {
    weights[i] = Math.sin(i * 12.9898) / 8;
  });
  const rows = batch * STEPS - 3;
  const width = inputShape.reduce((product, size) => product * size, 1);
  const result = sessions[0]!.run({
    feeds: [Float32Array.from({ length: rows * width }, (_, i) => Math.cos(i)), Int32Array.from({ length: rows }, (_, i) => i % 7)],
    order: Int32Array.from({ length: rows }, (_, i) => (i * 7) % rows),
    from: 0,
    to: rows,
    firstStep: 0,
    learningRates: new Float64Array(STEPS).fill(0.01),
    seed: [1, 2],
    control: new Int32Array(CONTROL.words),
  });
  expect(result).toEqual({ steps: STEPS, nonFinite: null });
  return new Uint8Array(arena, layout.trainable.byteOffset, layout.to - layout.trainable.byteOffset);
}
