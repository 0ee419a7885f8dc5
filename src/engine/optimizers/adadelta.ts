import Type from 'typebox';
import { learningRate } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/** Zeiler 2012: the root of the recent mean square of the moves takes the place of a step size. */
export const adadelta = defineOptimizer({
  type: 'adadelta',
  summary: 'Steps in proportion to the recent steps, divided by the root of the recent mean square of gradients.',
  source: 'https://arxiv.org/abs/1212.5701',
  options: Type.Object({
    learning_rate: learningRate(1),
    rho: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.95, description: 'Decay of both mean squares.' }),
    epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added under both roots; the first step depends on it.' }),
  }),
  slots: () => 2,
  update: ({ rho, epsilon }) => ({ kernel: 'adadelta', scalars: [rho, epsilon] }),
  kernels: [
    {
      name: 'adadelta',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: a (n)', 'in/out: d (n)'],
      dims: ['n'],
      scalars: ['rho', 'epsilon'],
      formula: 'a = rho a + (1 - rho) g^2; u = g sqrt(d + epsilon) / sqrt(a + epsilon); d = rho d + (1 - rho) u^2; w -= rate u',
      run([w, g, a, d], [n], [rho, epsilon], { learningRate: rate }) {
        for (let i = 0; i < n!; i += 1) {
          a![i] = rho! * a![i]! + (1 - rho!) * g![i]! ** 2;
          const move = (g![i]! * Math.sqrt(d![i]! + epsilon!)) / Math.sqrt(a![i]! + epsilon!);
          d![i] = rho! * d![i]! + (1 - rho!) * move ** 2;
          w![i] = w![i]! - rate * move;
        }
      },
    },
  ],
});
