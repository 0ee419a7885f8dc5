import Type from 'typebox';

/** `l1 * sum |w| + l2 * sum w^2`, added to the loss. */
export interface Regularizer {
  readonly l1: number;
  readonly l2: number;
}

const REGULARIZER = Type.Object(
  {
    l1: Type.Number({ minimum: 0, default: 0, description: 'Factor of the sum of absolute values.' }),
    l2: Type.Number({ minimum: 0, default: 0, description: 'Factor of the sum of squares.' }),
  },
  { additionalProperties: false },
);

/** The option by which a layer penalises one of its weights, such as `kernel_regularizer`. */
export function regularizerOption(description: string) {
  return Type.Union([REGULARIZER, Type.Null()], { default: null, description });
}
