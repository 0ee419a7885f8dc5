import Type from 'typebox';
import type { Numbers, Step } from '../backends/kernel.ts';
import { learningRate, MOMENT_OPTIONS } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

const SHARED = {
  buffers: ['in/out: w (n)', 'g (n)', 'in/out: m (n)', 'in/out: v (n)'],
  dims: ['n'],
  scalars: ['beta_1', 'beta_2', 'epsilon'],
};
const MOMENTS = 't = step number + 1; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2';

/**
 * Kingma and Ba 2015, algorithm 1, with epsilon outside the root (not their "epsilon hat" form, which Keras uses):
 * `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, `w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`, t from 1.
 * AMSGrad (Reddi, Kale and Kumar 2018): `x = max(x, v)` takes the place of v in the update.
 */
export const adam = defineOptimizer({
  type: 'adam',
  summary: 'Adaptive moments: a step size of its own for every weight.',
  source: 'https://arxiv.org/abs/1412.6980',
  options: Type.Object({
    learning_rate: learningRate(0.001),
    ...MOMENT_OPTIONS,
    amsgrad: Type.Boolean({ default: false, description: 'Never let the divisor fall: AMSGrad.' }),
  }),
  slots: ({ amsgrad }) => (amsgrad ? 3 : 2),
  update: ({ beta_1, beta_2, epsilon, amsgrad }) => ({ kernel: amsgrad ? 'adam_amsgrad' : 'adam', scalars: [beta_1, beta_2, epsilon] }),
  kernels: [
    {
      ...SHARED,
      name: 'adam',
      formula: `${MOMENTS}; w -= rate (m/(1 - b1^t)) / (sqrt(v/(1 - b2^t)) + epsilon)`,
      run: (buffers, [n], scalars, step) => adamPass(buffers, n!, scalars, step),
    },
    {
      ...SHARED,
      name: 'adam_amsgrad',
      buffers: [...SHARED.buffers, 'in/out: x (n)'],
      formula: `${MOMENTS}; x = max(x, v); w -= rate (m/(1 - b1^t)) / (sqrt(x/(1 - b2^t)) + epsilon)`,
      run: (buffers, [n], scalars, step) => adamPass(buffers, n!, scalars, step),
    },
  ],
});

/** Loshchilov and Hutter 2019: `w -= lr weight_decay w` before the update of Adam. */
export const adamw = defineOptimizer({
  type: 'adamw',
  summary: 'Adam with weight decay that does not pass through the moments.',
  source: 'https://arxiv.org/abs/1711.05101',
  options: Type.Object({
    learning_rate: learningRate(0.001),
    weight_decay: Type.Number({ minimum: 0, default: 0.004, description: 'Share of each weight taken away per step, times the rate.' }),
    ...MOMENT_OPTIONS,
  }),
  slots: () => 2,
  update: ({ beta_1, beta_2, epsilon, weight_decay }) => ({ kernel: 'adamw', scalars: [beta_1, beta_2, epsilon, weight_decay] }),
  kernels: [
    {
      ...SHARED,
      name: 'adamw',
      scalars: [...SHARED.scalars, 'weight_decay'],
      formula: `w -= rate weight_decay w; ${MOMENTS}; w -= rate (m/(1 - b1^t)) / (sqrt(v/(1 - b2^t)) + epsilon)`,
      run(buffers, [n], scalars, step) {
        const w = buffers[0]!;
        const kept = 1 - step.learningRate * scalars[3]!;
        for (let i = 0; i < n!; i += 1) w[i] = w[i]! * kept;
        adamPass(buffers, n!, scalars, step);
      },
    },
  ],
});

function adamPass(
  [w, g, m, v, largest]: readonly (Numbers | null)[],
  n: number,
  [beta1, beta2, epsilon]: readonly number[],
  { number, learningRate: rate }: Step,
): void {
  const correction1 = 1 - beta1! ** (number + 1);
  const correction2 = 1 - beta2! ** (number + 1);
  for (let i = 0; i < n; i += 1) {
    m![i] = beta1! * m![i]! + (1 - beta1!) * g![i]!;
    v![i] = beta2! * v![i]! + (1 - beta2!) * g![i]! ** 2;
    if (largest) largest[i] = Math.max(largest[i]!, v![i]!);
    w![i] = w![i]! - (rate * (m![i]! / correction1)) / (Math.sqrt((largest ?? v!)[i]! / correction2) + epsilon!);
  }
}
