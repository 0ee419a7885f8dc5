import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/engine/trainer/trainer.ts';
import { BACKENDS } from '../backends-here.ts';
import { classification, trainToEnd } from './iris-like.ts';

describe.each(BACKENDS)('weights that come with a request, on %s', (backend) => {
  it('are measured as the training that made them measured them', () => {
    const request = classification({}, { backend });
    const { result } = trainToEnd(request);
    const measured = evaluate({ ...request, initialWeights: result.weights });
    expect(measured.metrics).toEqual(result.metrics);
    expect(measured.weights).toEqual(result.weights);
  });

  it('are what a training starts from, those of them that are given', () => {
    const request = classification({ epochs: 1, optimizer: { type: 'sgd', learning_rate: 0, momentum: 0, nesterov: false } }, { backend });
    const data = Float32Array.of(3, 2, 1);
    const start = trainToEnd(request).result.weights;
    const { result } = trainToEnd({ ...request, initialWeights: [{ name: 'out/bias', shape: [3], data }] });
    expect(result.weights).toEqual(start.map((tensor) => (tensor.name === 'out/bias' ? { ...tensor, data } : tensor)));
  });
});
