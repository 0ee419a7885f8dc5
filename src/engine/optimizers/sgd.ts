import { Type } from 'typebox';
import { learningRate } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/**
 * Gradient descent: `w -= lr g`. With momentum mu (Polyak 1964; form of Sutskever et al. 2013, eq. 1-4):
 * `v = mu v - lr g`, `w += v`; Nesterov: `w += mu v - lr g` with the new v.
 */
export const sgd = defineOptimizer({
  type: 'sgd',
  summary: 'Stochastic gradient descent, with classical or Nesterov momentum.',
  source: 'https://proceedings.mlr.press/v28/sutskever13.html',
  options: Type.Object({
    learning_rate: learningRate(0.01),
    momentum: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0, description: 'Share of the last step that is kept.' }),
    nesterov: Type.Boolean({ default: false, description: 'Look ahead along the momentum before the gradient is applied.' }),
  }),
  slots: ({ momentum }) => (momentum > 0 ? 1 : 0),
  update: ({ momentum, nesterov }) =>
    momentum > 0 ? { kernel: 'sgd_momentum', scalars: [momentum, nesterov ? 1 : 0] } : { kernel: 'sgd', scalars: [] },
  kernels: [
    {
      name: 'sgd',
      buffers: ['in/out: w (n)', 'g (n)'],
      dims: ['n'],
      scalars: [],
      formula: 'w -= rate g',
      run([w, g], [n], _scalars, { learningRate }) {
        for (let i = 0; i < n!; i += 1) w![i] = w![i]! - learningRate * g![i]!;
      },
    },
    {
      name: 'sgd_momentum',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: v (n)'],
      dims: ['n'],
      scalars: ['momentum', 'nesterov (0 or 1)'],
      formula: 'v = momentum v - rate g; w += nesterov ? momentum v - rate g : v',
      run([w, g, v], [n], [momentum, nesterov], { learningRate }) {
        for (let i = 0; i < n!; i += 1) {
          const velocity = momentum! * v![i]! - learningRate * g![i]!;
          v![i] = velocity;
          w![i] = w![i]! + (nesterov === 1 ? momentum! * velocity - learningRate * g![i]! : velocity);
        }
      },
    },
  ],
});
