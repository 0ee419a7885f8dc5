import Type from 'typebox';
import { learningRate, MOMENT_OPTIONS } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/** Decay of the warm-up of the momentum (Dozat 2016, section 2.3). */
const WARM_UP = 0.96;

/**
 * Dozat 2016: Adam with Nesterov's look-ahead, and a momentum `mu_t = b1 (1 - 0.96^t / 2)` that warms up. The product of all mu
 * so far is `b1^t` times the product of `1 - 0.96^i / 2`, whose factors are 1 exactly after some 900 steps: it is worked out
 * anew from t in every step, so that there is no state beside the slots.
 */
export const nadam = defineOptimizer({
  type: 'nadam',
  summary: 'Adam with Nesterov momentum.',
  source: 'https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ',
  options: Type.Object({ learning_rate: learningRate(0.001), ...MOMENT_OPTIONS }),
  slots: () => 2,
  update: ({ beta_1, beta_2, epsilon }) => ({ kernel: 'nadam', scalars: [beta_1, beta_2, epsilon] }),
  kernels: [
    {
      name: 'nadam',
      buffers: ['in/out: w (n)', 'g (n)', 'in/out: m (n)', 'in/out: v (n)'],
      dims: ['n'],
      scalars: ['beta_1', 'beta_2', 'epsilon'],
      formula:
        't = step number + 1; mu_t = b1 (1 - 0.96^t / 2); P = mu_1 ... mu_t; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; ' +
        'w -= rate (mu_{t+1} m / (1 - P mu_{t+1}) + (1 - mu_t) g / (1 - P)) / (sqrt(v/(1 - b2^t)) + epsilon)',
      run([w, g, m, v], [n], [beta1, beta2, epsilon], { number, learningRate: rate }) {
        const t = number + 1;
        const product = beta1! ** t * warmUpProduct(t);
        const mu = beta1! * (1 - 0.5 * WARM_UP ** t);
        const next = beta1! * (1 - 0.5 * WARM_UP ** (t + 1));
        const correction = 1 - beta2! ** t;
        for (let i = 0; i < n!; i += 1) {
          m![i] = beta1! * m![i]! + (1 - beta1!) * g![i]!;
          v![i] = beta2! * v![i]! + (1 - beta2!) * g![i]! ** 2;
          const corrected = (next * m![i]!) / (1 - product * next) + ((1 - mu) * g![i]!) / (1 - product);
          w![i] = w![i]! - (rate * corrected) / (Math.sqrt(v![i]! / correction) + epsilon!);
        }
      },
    },
  ],
});

/** Product of `1 - 0.96^i / 2` over i = 1 … t. */
function warmUpProduct(t: number): number {
  let product = 1;
  let power = 1;
  for (let i = 1; i <= t; i += 1) {
    power *= WARM_UP;
    const factor = 1 - 0.5 * power;
    if (factor === 1) break;
    product *= factor;
  }
  return product;
}
