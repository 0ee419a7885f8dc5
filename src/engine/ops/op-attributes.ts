import type { Shape } from '../shape.ts';

type None = Readonly<Record<string, never>>;

/** Every op and its attributes. A name here without a record in `index.ts` is a type error, and the other way round. */
export interface OpAttributes {
  // Layers
  readonly dense: None;
  readonly dropout: { readonly rate: number; readonly stream: number };
  readonly reshape: { readonly shape: Shape };
  // Activations; `linear` is no op
  readonly step: None;
  readonly sigmoid: None;
  readonly tanh: None;
  readonly relu: None;
  readonly leaky_relu: { readonly negative_slope: number };
  readonly elu: { readonly alpha: number };
  readonly selu: None;
  readonly gelu: None;
  readonly gelu_tanh: None;
  readonly silu: None;
  readonly softplus: None;
  readonly softsign: None;
  readonly hard_sigmoid: None;
  readonly exponential: None;
  readonly softmax: None;
  readonly log_softmax: None;
  // Losses
  readonly mean_squared_error: None;
  readonly binary_cross_entropy: None;
  readonly sigmoid_cross_entropy: None;
  readonly categorical_cross_entropy: None;
  readonly softmax_cross_entropy: None;
  readonly sparse_categorical_cross_entropy: None;
  readonly sparse_softmax_cross_entropy: None;
}

export type OpName = keyof OpAttributes;
