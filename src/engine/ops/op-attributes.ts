import type { Shape } from '../shape.ts';
import type { RecurrentAttributes } from './recurrent-attributes.ts';
import type { Pair, WindowAttributes } from './window-attributes.ts';

type None = Readonly<Record<string, never>>;

/** Whether there is a gamma (scale) and a beta (center), and what keeps the root from 0. */
interface NormalizationAttributes {
  readonly epsilon: number;
  readonly scale: boolean;
  readonly center: boolean;
}

/** Every op and its attributes. A name here without a record in `index.ts` is a type error, and the other way round. */
export interface OpAttributes {
  // Layers
  readonly dense: None;
  readonly dropout: { readonly rate: number; readonly stream: number };
  readonly reshape: { readonly shape: Shape };
  // Merges, parts and order of axes, lookups, masks, attention
  readonly add: None;
  readonly subtract: None;
  readonly multiply: None;
  readonly maximum: None;
  readonly concatenate: { readonly axis: number };
  readonly crop: { readonly axis: number; readonly from: number; readonly to: number };
  readonly pad: { readonly axis: number; readonly before: number; readonly after: number };
  readonly repeat: { readonly axis: number; readonly times: number };
  readonly swap_axes: { readonly from: number; readonly middle: number; readonly to: number };
  readonly steps_to_rows: None;
  readonly rows_to_steps: { readonly steps: number };
  readonly lookup: None;
  readonly nonzero: None;
  readonly differing: { readonly value: number };
  readonly mask_rows: None;
  readonly batch_product: None;
  readonly mask_scores: { readonly fill: number };
  readonly causal_scores: { readonly fill: number };
  // Convolution, pooling, normalisation, noise
  readonly convolution: WindowAttributes & { readonly groups: number };
  readonly convolution_transpose: WindowAttributes & { readonly size: Pair };
  readonly max_pooling: WindowAttributes;
  readonly average_pooling: WindowAttributes;
  readonly batch_normalization: NormalizationAttributes & { readonly momentum: number; readonly masked: boolean };
  readonly normalization: NormalizationAttributes;
  readonly layer_normalization: NormalizationAttributes;
  readonly l2_normalize: { readonly epsilon: number };
  readonly prelu: None;
  readonly maxout: { readonly pieces: number };
  readonly spatial_dropout: { readonly rate: number; readonly stream: number };
  readonly gaussian_noise: { readonly stddev: number; readonly stream: number };
  // Recurrent layers
  readonly simple_rnn: RecurrentAttributes;
  readonly lstm: RecurrentAttributes;
  readonly gru: RecurrentAttributes;
  readonly gru_reset_before: RecurrentAttributes;
  readonly reverse_time: None;
  readonly dropout_mask: { readonly shape: Shape; readonly rate: number; readonly stream: number };
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
  // Losses, and what they make of targets
  readonly affine: { readonly scale: number; readonly shift: number };
  readonly one_hot: { readonly classes: number; readonly on: number; readonly off: number };
  readonly mean_squared_error: None;
  readonly mean_absolute_error: None;
  readonly huber: { readonly delta: number };
  readonly log_cosh: None;
  readonly hinge: None;
  readonly poisson: None;
  readonly kl_divergence: None;
  readonly cosine_similarity: None;
  readonly perceptron: None;
  readonly binary_cross_entropy: None;
  readonly sigmoid_cross_entropy: None;
  readonly categorical_cross_entropy: None;
  readonly softmax_cross_entropy: None;
  readonly sparse_categorical_cross_entropy: None;
  readonly sparse_softmax_cross_entropy: None;
}

export type OpName = keyof OpAttributes;
