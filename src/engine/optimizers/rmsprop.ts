import Type from 'typebox';
import type { Numbers } from '../backends/kernel.ts';
import type { KernelDefinition } from '../ops/op.ts';
import { learningRate } from './moments.ts';
import { defineOptimizer } from './optimizer.ts';

/**
 * Tieleman and Hinton 2012: `v = rho v + (1 - rho) g^2`; centered (Graves 2013): `a = rho a + (1 - rho) g`, `d = v - a^2`, else
 * `d = v`; `u = lr g / sqrt(d + eps)`; with momentum mu `m = mu m + u` is taken, else u.
 */
export const rmsprop = defineOptimizer({
  type: 'rmsprop',
  summary: 'Gradients divided by the root of their recent mean square.',
  source: 'https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf',
  options: Type.Object({
    learning_rate: learningRate(0.001),
    rho: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.9, description: 'Decay of the mean of squared gradients.' }),
    momentum: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0, description: 'Share of the last step that is kept.' }),
    epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added under the root, so that nothing is divided by zero.' }),
    centered: Type.Boolean({ default: false, description: 'Divide by the deviation instead: subtract the mean first.' }),
  }),
  slots: ({ momentum, centered }) => 1 + Number(centered) + Number(momentum > 0),
  update({ rho, epsilon, momentum, centered }) {
    const kernel = `rmsprop${centered ? '_centered' : ''}${momentum > 0 ? '_momentum' : ''}`;
    return { kernel, scalars: momentum > 0 ? [rho, epsilon, momentum] : [rho, epsilon] };
  },
  kernels: [
    variant({ centered: false, momentum: false }),
    variant({ centered: false, momentum: true }),
    variant({ centered: true, momentum: false }),
    variant({ centered: true, momentum: true }),
  ],
});

function variant(form: { readonly centered: boolean; readonly momentum: boolean }): KernelDefinition {
  const { centered, momentum } = form;
  return {
    name: `rmsprop${centered ? '_centered' : ''}${momentum ? '_momentum' : ''}`,
    buffers: ['in/out: w (n)', 'g (n)', 'in/out: v (n)', ...(centered ? ['in/out: a (n)'] : []), ...(momentum ? ['in/out: m (n)'] : [])],
    dims: ['n'],
    scalars: ['rho', 'epsilon', ...(momentum ? ['momentum'] : [])],
    formula: [
      'v = rho v + (1 - rho) g^2',
      ...(centered ? ['a = rho a + (1 - rho) g', 'd = max(0, v - a^2)'] : ['d = v']),
      'u = rate g / sqrt(d + epsilon)',
      ...(momentum ? ['m = momentum m + u', 'w -= m'] : ['w -= u']),
    ].join('; '),
    run([w, g, v, ...rest], [n], scalars, { learningRate: rate }) {
      const mean = centered ? rest[0]! : null;
      const velocity = momentum ? rest.at(-1)! : null;
      for (let i = 0; i < n!; i += 1) {
        const step = (rate * g![i]!) / Math.sqrt(spread(v!, mean, g![i]!, i, scalars[0]!) + scalars[1]!);
        if (velocity) velocity[i] = scalars[2]! * velocity[i]! + step;
        w![i] = w![i]! - (velocity?.[i] ?? step);
      }
    },
  };
}

/** Counts a gradient in; returns its mean square, or its variance when there is a mean. Rounding must not make that negative. */
function spread(v: Numbers, mean: Numbers | null, gradient: number, i: number, rho: number): number {
  v[i] = rho * v[i]! + (1 - rho) * gradient ** 2;
  if (!mean) return v[i]!;
  mean[i] = rho * mean[i]! + (1 - rho) * gradient;
  return Math.max(0, v[i]! - mean[i]! ** 2);
}
