import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../src/engine/index.ts';
import { loadPredictor } from '../../../src/engine/trainer/predictor.ts';
import type { TrainRequest } from '../../../src/engine/trainer/training.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import type { NamedTensor } from '../../../src/engine/weights/tensor.ts';
import { BACKENDS } from '../backends-here.ts';
import { classification, numbersOf, trainToEnd } from './iris-like.ts';

const limits = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };
const normalization = { type: 'batch_normalization', name: 'bn', momentum: 0.9 };

/** Rows of four features as a sequence of four steps. */
function network(...middle: readonly object[]): TrainRequest['spec'] {
  const layers = [
    { type: 'reshape', target_shape: [4, 1] },
    { type: 'conv1d', name: 'conv', filters: 6, kernel_size: 2, padding: 'same' },
    ...middle,
    { type: 'flatten' },
    { type: 'dense', name: 'out', units: 3, activation: 'softmax' },
  ];
  const { spec, faults } = checkSpec({ spec: { input_shape: [4], layers }, limits });
  expect(faults).toEqual([]);
  return spec!;
}

function weight(weights: readonly NamedTensor[], name: string): number[] {
  return [...weights.find((tensor) => tensor.name === name)!.data];
}

describe.each(BACKENDS)('running statistics on the %s backend', (backend) => {
  const noisy = network(
    normalization,
    { type: 'activation', activation: 'relu' },
    { type: 'gaussian_noise', stddev: 0.1 },
    { type: 'spatial_dropout1d', rate: 0.3 },
    { type: 'layer_normalization' },
    { type: 'dropout', rate: 0.2 },
  );

  it('and noise go on bit-identically when a run is resumed', () => {
    const request = classification({ epochs: 4 }, { backend, spec: noisy });
    const whole = trainToEnd(request);
    whole.states.forEach((state, i) => {
      const resumed = trainToEnd({ ...request, resumeFrom: memoryFile(state) });
      expect(numbersOf(resumed)).toEqual(numbersOf({ ...whole, reports: whole.reports.slice(i + 1) }));
      expect(resumed.states).toEqual(whole.states.slice(i + 1));
    });
  });

  it('move towards those of the data and are part of the weights', () => {
    const { result } = trainToEnd(classification({ epochs: 30 }, { backend, spec: network(normalization) }));
    const mean = weight(result.weights, 'bn/moving_mean');
    const variance = weight(result.weights, 'bn/moving_variance');
    // What the first layer gives for the training rows with the final weights, which hardly change any more.
    const request = classification({}, { backend });
    const { predict } = loadPredictor({ spec: frontOf(network(normalization)), weights: result.weights, backend });
    const outputs = predict(request.data.features.subarray(0, 60 * 4), 60);
    for (let channel = 0; channel < 6; channel += 1) {
      const values = [...outputs].filter((_, i) => i % 6 === channel);
      const average = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length;
      expect(Math.abs(mean[channel]! - average)).toBeLessThan(0.1 + 0.1 * Math.sqrt(spread));
      expect(variance[channel]! / spread).toBeGreaterThan(0.5);
      expect(variance[channel]! / spread).toBeLessThan(2);
    }
    expect(result.metrics['accuracy']).toBeGreaterThan(0.8);
  });

  it('are those of the last good step when a batch is not finite', () => {
    const request = classification({ shuffle: false, epochs: 1 }, { backend, spec: network(normalization) });
    const good = trainToEnd({ ...request, split: { ...request.split, train: request.split.train.slice(0, 16) } });
    const features = request.data.features.slice();
    // The second batch of 16.
    features[20 * 4] = Number.NaN;
    const { result } = trainToEnd({ ...request, data: { ...request.data, features } });
    expect(result.stop_reason).toBe('divergence');
    expect(weight(result.weights, 'bn/moving_mean')).toEqual(weight(good.result.weights, 'bn/moving_mean'));
    expect(weight(result.weights, 'bn/moving_variance')).toEqual(weight(good.result.weights, 'bn/moving_variance'));
  });

  it('of a frozen layer stay as they are', () => {
    const spec = network({ ...normalization, trainable: false });
    const { result } = trainToEnd(classification({ epochs: 2 }, { backend, spec }));
    expect(weight(result.weights, 'bn/moving_mean')).toEqual([0, 0, 0, 0, 0, 0]);
    expect(weight(result.weights, 'bn/moving_variance')).toEqual([1, 1, 1, 1, 1, 1]);
    expect(weight(result.weights, 'bn/gamma')).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

/** The network up to its convolution. */
function frontOf(spec: TrainRequest['spec']): TrainRequest['spec'] {
  return { ...spec, layers: spec.layers.slice(0, 2) };
}
