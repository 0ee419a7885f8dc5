import Type from 'typebox';

/** Options Adam and its kin share. */
export const MOMENT_OPTIONS = {
  beta_1: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.9, description: 'Decay of the mean of gradients.' }),
  beta_2: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.999, description: 'Decay of the mean of squared gradients.' }),
  epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added to the root, so that nothing is divided by zero.' }),
};

/** The option every optimizer of gradients has. */
export function learningRate(initial: number) {
  const description = 'Step size. `auto`: what a range test before the first epoch suggests; the default where the loss never falls.';
  return Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Literal('auto')], { default: initial, description });
}
