import { NO_OPTIONS } from '../losses/options.ts';
import { elementsOf } from '../ops/op.ts';
import { defineMetric } from './metric.ts';

/** The training loss, in training units. Always reported; not in the list of metrics to choose from. */
export const loss = defineMetric({
  type: 'loss',
  summary: 'Mean of the loss that is trained on.',
  better: 'lower',
  targets: ['classes', 'numbers'],
  options: NO_OPTIONS,
  width: () => 1,
  accumulate: (evaluated, accumulator) => ({
    kernel: 'accumulate_mean',
    buffers: [evaluated.loss, accumulator],
    dims: [elementsOf(evaluated.loss)],
    scalars: [],
    writes: [1],
    layer: 'loss',
  }),
  result: ([sum, count]) => sum! / count!,
  kernels: [
    {
      name: 'accumulate_mean',
      buffers: ['x (m)', 'in/out: float64 [sum, count]'],
      dims: ['m'],
      scalars: [],
      formula: 'sum += sum over i of x[i] (float64, in order); count += m',
      run([x, accumulator], [m]) {
        let sum = 0;
        for (let i = 0; i < m!; i += 1) sum += x![i]!;
        accumulator![0] = accumulator![0]! + sum;
        accumulator![1] = accumulator![1]! + m!;
      },
    },
  ],
});
