import { NO_OPTIONS } from '../losses/options.ts';
import { EPSILON } from '../ops/binary-cross-entropy.ts';
import { fixed, lastAxis, outerSize, perRow } from '../ops/op.ts';
import { defineMetric } from './metric.ts';

/** Probabilities are clipped to [EPSILON, 1 - EPSILON], as in the losses. */
export const logLoss = defineMetric({
  type: 'log_loss',
  summary: 'Mean of minus the natural logarithm of the probability given to the true class.',
  better: 'lower',
  targets: ['classes'],
  options: NO_OPTIONS,
  width: () => 1,
  accumulate({ prediction, target }, accumulator) {
    const shared = { buffers: [prediction, target, accumulator], scalars: [], writes: [2], layer: 'log_loss' };
    const [m, n] = [perRow(outerSize(prediction)), lastAxis(prediction)];
    return target.type === 'int32'
      ? { ...shared, kernel: 'accumulate_log_loss', dims: [m, fixed(n)] }
      : { ...shared, kernel: 'accumulate_binary_log_loss', dims: [perRow(outerSize(prediction) * n)] };
  },
  result: ([sum, count]) => sum! / count!,
  kernels: [
    {
      name: 'accumulate_log_loss',
      buffers: ['p (m, n)', 'y (m) int32 classes', 'in/out: float64 [sum, count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'sum -= sum over i of log clamp(p[i,y[i]], 1e-7, 1 - 1e-7) (float64, in order); count += m',
      run([p, classes, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) accumulator![0] = accumulator![0]! - Math.log(clipped(p![i * n! + classes![i]!]!));
        accumulator![1] = accumulator![1]! + m!;
      },
    },
    {
      name: 'accumulate_binary_log_loss',
      buffers: ['p (m)', 'y (m), 0 or 1', 'in/out: float64 [sum, count]'],
      dims: ['m'],
      scalars: [],
      formula: 'sum -= sum over i of log clamp(y[i] >= 0.5 ? p[i] : 1 - p[i], 1e-7, 1 - 1e-7) (float64, in order); count += m',
      run([p, y, accumulator], [m]) {
        for (let i = 0; i < m!; i += 1) {
          accumulator![0] = accumulator![0]! - Math.log(clipped(y![i]! >= 0.5 ? p![i]! : 1 - p![i]!));
        }
        accumulator![1] = accumulator![1]! + m!;
      },
    },
  ],
});

function clipped(q: number): number {
  return Math.min(Math.max(q, EPSILON), 1 - EPSILON);
}
