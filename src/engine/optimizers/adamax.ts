import Type from 'typebox';
import { learningRate, MOMENT_OPTIONS } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/** Kingma and Ba 2015, algorithm 2: the largest recent gradient takes the place of the root of the second moment. */
export const adamax = defineOptimizer({
  type: 'adamax',
  summary: 'Adam with the largest recent gradient as divisor.',
  source: 'https://arxiv.org/abs/1412.6980',
  options: Type.Object({ learning_rate: learningRate(0.001), ...MOMENT_OPTIONS }),
  slots: () => 2,
  update: ({ beta_1, beta_2, epsilon }) => ({ kernel: 'adamax', scalars: [beta_1, beta_2, epsilon] }),
  kernels: [
    {
      name: 'adamax',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: m (n)', 'in/out: u (n)'],
      dims: ['n'],
      scalars: ['beta_1', 'beta_2', 'epsilon'],
      formula: 't = step number + 1; m = b1 m + (1 - b1) g; u = max(b2 u, |g|); w -= rate/(1 - b1^t) m / (u + epsilon)',
      run([w, g, m, u], [n], [beta1, beta2, epsilon], { number, learningRate: rate }) {
        const correction = 1 - beta1! ** (number + 1);
        for (let i = 0; i < n!; i += 1) {
          m![i] = beta1! * m![i]! + (1 - beta1!) * g![i]!;
          u![i] = Math.max(beta2! * u![i]!, Math.abs(g![i]!));
          w![i] = w![i]! - ((rate / correction) * m![i]!) / (u![i]! + epsilon!);
        }
      },
    },
  ],
});
