import { fixed, perRow } from '../ops/op.ts';
import { sizeOf } from '../shape.ts';
import type { MetricDefinition } from './metric.ts';

/** Per output column, so that each can be put back into its own units before the mean over the columns is taken. */
export const meanAbsoluteError: MetricDefinition = {
  type: 'mean_absolute_error',
  summary: "Mean distance of prediction and target, in the column's units.",
  better: 'lower',
  targets: ['numbers'],
  width: ({ prediction }) => sizeOf(prediction.shape),
  accumulate: ({ prediction, target }, accumulator) => ({
    kernel: 'accumulate_absolute_error',
    buffers: [prediction, target, accumulator],
    dims: [perRow(1), fixed(sizeOf(prediction.shape))],
    scalars: [],
    writes: [2],
    layer: 'mean_absolute_error',
  }),
  result(accumulated, scale) {
    const columns = accumulated.length - 1;
    const sums = accumulated.subarray(0, columns);
    return sums.reduce((total, sum, j) => total + sum * (scale?.[j] ?? 1), 0) / (columns * accumulated[columns]!);
  },
  kernels: [
    {
      name: 'accumulate_absolute_error',
      buffers: ['p (m, n)', 'y (m, n)', 'in/out: float64 [sum of each column (n), count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'sum[j] += sum over i of |p[i,j] - y[i,j]| (float64, in order of i); count += m',
      run([p, y, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          for (let j = 0; j < n!; j += 1) accumulator![j] = accumulator![j]! + Math.abs(p![i * n! + j]! - y![i * n! + j]!);
        }
        accumulator![n!] = accumulator![n!]! + m!;
      },
    },
  ],
};
