import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

describe('images in columns through the API', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
  });

  afterAll(() => service.stop());

  it('reads digits with convolutions, twice to the same bits, and tells which are taken for which', async () => {
    const dataset = await service.dataset('digits');
    const request = {
      spec: {
        input_shape: [8, 8, 1],
        layers: [
          { type: 'conv2d', filters: 16, kernel_size: 3, activation: 'relu' },
          { type: 'max_pooling2d' },
          { type: 'flatten' },
          { type: 'dropout', rate: 0.2 },
          { type: 'dense', units: 10, activation: 'softmax' },
        ],
      },
      dataset,
      target: 'digit',
      split: { validation: 0, test: 0.2 },
      training: { epochs: 12, optimizer: { type: 'adam', learning_rate: 0.003 }, metrics: ['accuracy', 'confusion_matrix'], seed: 4 },
    };
    const first = await service.train(request);
    expect(first.error).toBeNull();
    const { metrics } = first.result;
    expect(metrics.test_accuracy).toBeGreaterThan(0.95);
    const matrix: number[][] = metrics.test_confusion_matrix;
    const right = matrix.reduce((sum, row, digit) => sum + (row[digit] ?? 0), 0);
    const all = matrix.flat().reduce((sum, count) => sum + count, 0);
    expect(all).toBe(Math.round(1797 * 0.2));
    expect(right / all).toBeCloseTo(metrics.test_accuracy, 6);

    const second = await service.train(request);
    expect(second.result.weights_sha256).toBe(first.result.weights_sha256);
  });
});
