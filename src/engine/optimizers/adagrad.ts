import Type from 'typebox';
import { learningRate } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/**
 * Duchi, Hazan and Singer 2011: `a += g^2`, `w -= lr g / sqrt(a + eps)`. The slot holds the sum of squares alone, because slots
 * start at 0; what the accumulator starts with is added where it is used.
 */
export const adagrad = defineOptimizer({
  type: 'adagrad',
  summary: 'Gradients divided by the root of the sum of all their squares.',
  source: 'https://jmlr.org/papers/v12/duchi11a.html',
  options: Type.Object({
    learning_rate: learningRate(0.001),
    initial_accumulator_value: Type.Number({ minimum: 0, default: 0.1, description: 'What the sum of squares starts with.' }),
    epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added under the root, so that nothing is divided by zero.' }),
  }),
  slots: () => 1,
  update: ({ initial_accumulator_value, epsilon }) => ({ kernel: 'adagrad', scalars: [initial_accumulator_value, epsilon] }),
  kernels: [
    {
      name: 'adagrad',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: a (n)'],
      dims: ['n'],
      scalars: ['initial', 'epsilon'],
      formula: 'a += g^2; w -= rate g / sqrt(a + initial + epsilon)',
      run([w, g, a], [n], [initial, epsilon], { learningRate: rate }) {
        for (let i = 0; i < n!; i += 1) {
          a![i] = a![i]! + g![i]! ** 2;
          w![i] = w![i]! - (rate * g![i]!) / Math.sqrt(a![i]! + initial! + epsilon!);
        }
      },
    },
  ],
});
