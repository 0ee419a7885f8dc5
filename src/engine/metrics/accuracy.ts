import { NO_OPTIONS } from '../losses/options.ts';
import { fixed, lastAxis, outerSize, perRow } from '../ops/op.ts';
import { defineMetric } from './metric.ts';

/** A single probability means the second class from here on. */
export const THRESHOLD = 0.5;

export const accuracy = defineMetric({
  type: 'accuracy',
  summary: 'Share of rows whose class was predicted: the largest score, or a single probability against 0.5.',
  better: 'higher',
  targets: ['classes'],
  options: NO_OPTIONS,
  width: () => 1,
  accumulate({ prediction, target }, accumulator) {
    const m = perRow(outerSize(prediction));
    const shared = { buffers: [prediction, target, accumulator], writes: [2], layer: 'accuracy' };
    return target.type === 'int32'
      ? { ...shared, kernel: 'accumulate_accuracy', dims: [m, fixed(lastAxis(prediction))], scalars: [] }
      : {
          ...shared,
          kernel: 'accumulate_binary_accuracy',
          dims: [perRow(outerSize(prediction) * lastAxis(prediction))],
          scalars: [THRESHOLD],
        };
  },
  result: ([hits, count]) => hits! / count!,
  kernels: [
    {
      name: 'accumulate_accuracy',
      buffers: ['scores (m, n)', 'y (m) int32 classes', 'in/out: float64 [hits, count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'hits += number of i whose largest score (the first of equal ones) is at y[i]; count += m',
      run([scores, classes, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          let best = 0;
          for (let j = 1; j < n!; j += 1) if (scores![i * n! + j]! > scores![i * n! + best]!) best = j;
          if (best === classes![i]!) accumulator![0] = accumulator![0]! + 1;
        }
        accumulator![1] = accumulator![1]! + m!;
      },
    },
    {
      name: 'accumulate_binary_accuracy',
      buffers: ['p (m)', 'y (m), 0 or 1', 'in/out: float64 [hits, count]'],
      dims: ['m'],
      scalars: ['threshold'],
      formula: 'hits += number of i where (p[i] >= threshold) = (y[i] >= threshold); count += m',
      run([p, y, accumulator], [m], [threshold]) {
        for (let i = 0; i < m!; i += 1) {
          if (p![i]! >= threshold! === y![i]! >= threshold!) accumulator![0] = accumulator![0]! + 1;
        }
        accumulator![1] = accumulator![1]! + m!;
      },
    },
  ],
});
