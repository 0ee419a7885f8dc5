import { describe, expect, it } from 'vitest';
import type { Program } from '../../../src/engine/backends/backend.ts';
import { planPrediction } from '../../../src/engine/plan/prediction-plan.ts';
import { planTraining } from '../../../src/engine/plan/training-plan.ts';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';

const LIMITS = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };

function specOf(activation: string, further: readonly object[] = []) {
  const layers = [{ type: 'dense', units: 4, activation }, ...further, { type: 'dense', units: 2, activation: 'softmax' }];
  return checkSpec({ spec: { input_shape: [3], layers }, limits: LIMITS }).spec!;
}

function trainingOf(spec: ReturnType<typeof specOf>) {
  return planTraining({
    spec,
    outputs: [{ loss: 'sparse_categorical_cross_entropy', metrics: [], target: 'classes' }],
    update: { kernel: 'sgd', scalars: [], slots: 0 },
    batchSize: 8,
    evaluationBatchSize: 8,
    realBytes: 4,
  });
}

const kernelsOf = ({ commands }: Program) => commands.map(({ kernel }) => kernel);

describe('an activation after what can compute it', () => {
  it('is one command with it, in training, evaluation and prediction', () => {
    const { training, evaluation, step } = trainingOf(specOf('relu'));
    for (const program of [training, evaluation, planPrediction({ spec: specOf('relu'), batchSize: 8 }).program]) {
      expect(kernelsOf(program)).toContain('dense_activated');
      expect(kernelsOf(program)).not.toContain('relu');
    }
    // The step over values still shows both.
    expect(step.calls.map(({ kernel }) => kernel)).toContain('relu');
  });

  it('is one command with a convolution and with a normalisation, in training, evaluation and prediction', () => {
    const layers = [
      { type: 'conv2d', filters: 4, kernel_size: 3, activation: 'relu' },
      { type: 'conv2d', filters: 4, kernel_size: 3 },
      { type: 'batch_normalization' },
      { type: 'activation', activation: 'tanh' },
      { type: 'flatten' },
      { type: 'dense', units: 2, activation: 'softmax' },
    ];
    const spec = checkSpec({ spec: { input_shape: [8, 8, 2], layers }, limits: LIMITS }).spec!;
    const { training, evaluation } = trainingOf(spec);
    for (const program of [training, evaluation, planPrediction({ spec, batchSize: 8 }).program]) {
      const kernels = kernelsOf(program);
      expect(kernels).toEqual(expect.arrayContaining(['convolution_activated', 'convolution', 'normalize_activated']));
      expect(kernels).not.toContain('relu');
      expect(kernels).not.toContain('tanh');
    }
  });

  it('stays apart where its slope is computed from the value between them', () => {
    const { training, evaluation } = trainingOf(specOf('softplus'));
    expect(kernelsOf(training)).toEqual(expect.arrayContaining(['dense', 'softplus']));
    expect(kernelsOf(training)).not.toContain('dense_activated');
    expect(kernelsOf(evaluation)).toContain('dense_activated');
  });

  it('stays apart when it has options of its own', () => {
    expect(kernelsOf(trainingOf(specOf('leaky_relu')).evaluation)).toContain('leaky_relu');
  });

  it('stays apart where another layer reads the value between them', () => {
    const layers = [
      { type: 'dense', name: 'product', units: 4, inbound: ['x'] },
      { type: 'activation', name: 'active', activation: 'relu', inbound: ['product'] },
      { type: 'add', name: 'both', inbound: ['product', 'active'] },
      { type: 'dense', name: 'out', units: 2, activation: 'softmax', inbound: ['both'] },
    ];
    const { spec, faults } = checkSpec({ spec: { inputs: [{ name: 'x', shape: [3] }], layers, outputs: ['out'] }, limits: LIMITS });
    expect(faults).toEqual([]);
    const kernels = kernelsOf(trainingOf(spec!).evaluation);
    expect(kernels).toContain('relu');
    expect(kernels).not.toContain('dense_activated');
  });

  it('needs no memory for the value between them', () => {
    const { arenaBytes } = trainingOf(specOf('relu'));
    expect(arenaBytes).toBeLessThanOrEqual(trainingOf(specOf('softplus')).arenaBytes);
  });
});

describe('a training step', () => {
  it('computes no gradient for the input of the network', () => {
    const { training } = trainingOf(specOf('relu', [{ type: 'dense', units: 5, activation: 'tanh' }]));
    expect(kernelsOf(training).filter((kernel) => kernel === 'dense_grad_kernel')).toHaveLength(3);
    expect(kernelsOf(training).filter((kernel) => kernel === 'dense_grad_input')).toHaveLength(2);
  });
});
