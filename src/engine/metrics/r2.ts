import { NO_OPTIONS } from '../losses/options.ts';
import { fixed, perRow } from '../ops/op.ts';
import { sizeOf } from '../shape.ts';
import { defineMetric } from './metric.ts';

/**
 * Per output `1 - SSres / SStot`, then the plain mean. SStot by Welford 1962, which does not cancel. Units do not matter to it, but where
 * targets are told against something else SStot is that of the targets themselves.
 */
export const r2 = defineMetric({
  type: 'r2',
  summary: 'Share of the variance of the target that is explained: 1 is perfect, 0 is as good as the mean.',
  better: 'higher',
  targets: ['numbers'],
  options: NO_OPTIONS,
  width: ({ prediction }) => 3 * sizeOf(prediction.shape),
  accumulate: ({ prediction, target }, accumulator) => ({
    kernel: 'accumulate_variance',
    buffers: [prediction, target, accumulator],
    dims: [perRow(1), fixed(sizeOf(prediction.shape))],
    scalars: [],
    writes: [2],
    layer: 'r2',
  }),
  result(accumulated, { std, levels }) {
    const columns = (accumulated.length - 1) / 3;
    const spreads = levels ? spreadsOf(levels(), columns) : accumulated.subarray(2 * columns, 3 * columns);
    let total = 0;
    for (let j = 0; j < columns; j += 1) total += 1 - (accumulated[j]! * (levels ? (std?.[j] ?? 1) ** 2 : 1)) / spreads[j]!;
    return total / columns;
  },
  kernels: [
    {
      name: 'accumulate_variance',
      buffers: ['p (m, n)', 'y (m, n)', 'in/out: float64 [residual (n), mean (n), spread (n), count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'for each i: count += 1; residual[j] += (p - y)^2; d = y - mean[j]; mean[j] += d / count; spread[j] += d (y - mean[j])',
      run([p, y, accumulator], [m, n]) {
        const [a, columns] = [accumulator!, n!];
        for (let i = 0; i < m!; i += 1) {
          a[3 * columns] = a[3 * columns]! + 1;
          for (let j = 0; j < columns; j += 1) {
            const target = y![i * columns + j]!;
            a[j] = a[j]! + (p![i * columns + j]! - target) ** 2;
            const distance = target - a[columns + j]!;
            a[columns + j] = a[columns + j]! + distance / a[3 * columns]!;
            a[2 * columns + j] = a[2 * columns + j]! + distance * (target - a[columns + j]!);
          }
        }
      },
    },
  ],
});

/** Sums of the squared distances of each column to its mean, in two passes. */
function spreadsOf(values: Float64Array, columns: number): Float64Array {
  const means = new Float64Array(columns);
  values.forEach((value, i) => {
    means[i % columns]! += value;
  });
  const rows = values.length / columns;
  const spreads = new Float64Array(columns);
  values.forEach((value, i) => {
    spreads[i % columns]! += (value - means[i % columns]! / rows) ** 2;
  });
  return spreads;
}
