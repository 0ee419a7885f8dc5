import Type from 'typebox';
import { fixed, lastAxis, outerSize, perRow } from '../ops/op.ts';
import { defineMetric } from './metric.ts';

export const topKAccuracy = defineMetric({
  type: 'top_k_accuracy',
  summary: 'Share of rows whose class is among the k largest scores.',
  better: 'higher',
  targets: ['classes'],
  perClass: true,
  options: Type.Object({ k: Type.Integer({ minimum: 1, default: 5, description: 'How many guesses count.' }) }),
  width: () => 1,
  accumulate: ({ prediction, target }, accumulator, { k }) => ({
    kernel: 'accumulate_top_k',
    buffers: [prediction, target, accumulator],
    dims: [perRow(outerSize(prediction)), fixed(lastAxis(prediction))],
    scalars: [k],
    writes: [2],
    layer: 'top_k_accuracy',
  }),
  result: ([hits, count]) => hits! / count!,
  kernels: [
    {
      name: 'accumulate_top_k',
      buffers: ['scores (m, n)', 'y (m) int32 classes', 'in/out: float64 [hits, count]'],
      dims: ['m', 'n'],
      scalars: ['k'],
      formula: 'hits += number of i where fewer than k scores come before that of y[i]: larger ones, and equal ones before it; count += m',
      run([scores, classes, accumulator], [m, n], [k]) {
        for (let i = 0; i < m!; i += 1) {
          const own = scores![i * n! + classes![i]!]!;
          let before = 0;
          for (let j = 0; j < n!; j += 1) {
            const score = scores![i * n! + j]!;
            if (score > own || (score === own && j < classes![i]!)) before += 1;
          }
          if (before < k!) accumulator![0] = accumulator![0]! + 1;
        }
        accumulator![1] = accumulator![1]! + m!;
      },
    },
  ],
});
