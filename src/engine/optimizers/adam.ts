import { Type } from 'typebox';
import { defineOptimizer } from './optimizer.ts';

/**
 * Kingma and Ba 2015, algorithm 1, with epsilon outside the root (not their "epsilon hat" form, which Keras uses):
 * `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, `w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`, t from 1.
 */
export const adam = defineOptimizer({
  type: 'adam',
  summary: 'Adaptive moments: a step size of its own for every weight.',
  source: 'https://arxiv.org/abs/1412.6980',
  options: Type.Object({
    learning_rate: Type.Number({ exclusiveMinimum: 0, default: 0.001, description: 'Step size.' }),
    beta_1: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.9, description: 'Decay of the mean of gradients.' }),
    beta_2: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.999, description: 'Decay of the mean of squared gradients.' }),
    epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added to the root, so that nothing is divided by zero.' }),
  }),
  slots: () => 2,
  update: ({ beta_1, beta_2, epsilon }) => ({ kernel: 'adam', scalars: [beta_1, beta_2, epsilon] }),
  kernels: [
    {
      name: 'adam',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: m (n)', 'in/out: v (n)'],
      dims: ['n'],
      scalars: ['beta_1', 'beta_2', 'epsilon'],
      formula:
        't = step number + 1; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= rate (m/(1 - b1^t)) / (sqrt(v/(1 - b2^t)) + epsilon)',
      run([w, g, m, v], [n], [beta1, beta2, epsilon], { number, learningRate }) {
        const correction1 = 1 - beta1! ** (number + 1);
        const correction2 = 1 - beta2! ** (number + 1);
        for (let i = 0; i < n!; i += 1) {
          m![i] = beta1! * m![i]! + (1 - beta1!) * g![i]!;
          v![i] = beta2! * v![i]! + (1 - beta2!) * g![i]! ** 2;
          w![i] = w![i]! - (learningRate * (m![i]! / correction1)) / (Math.sqrt(v![i]! / correction2) + epsilon!);
        }
      },
    },
  ],
});
