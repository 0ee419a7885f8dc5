import { elementwise } from './elementwise.ts';
import { erfc } from './error-function.ts';
import { logSoftmax, softmax } from './softmax.ts';

// Klambauer et al. 2017, eq. 14.
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
const GELU_CUBIC = 0.044715;
const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));
const geluTanh = (x: number) => Math.tanh(Math.sqrt(2 / Math.PI) * (x + GELU_CUBIC * x ** 3));

/** Activation ops. `linear` is none: a layer that is linear emits nothing. */
export const ACTIVATION_OPS = {
  step: elementwise({
    name: 'step',
    source: 'https://doi.org/10.1037/h0042519',
    scalars: [],
    formula: 'x >= 0 ? 1 : 0',
    value: (x) => (x >= 0 ? 1 : 0),
    slopeFrom: 'y',
    slopeFormula: '0',
    slope: () => 0,
  }),
  sigmoid: elementwise({
    name: 'sigmoid',
    scalars: [],
    formula: '1 / (1 + exp(-x))',
    value: sigmoidOf,
    slopeFrom: 'y',
    slopeFormula: 'y (1 - y)',
    slope: (y) => y * (1 - y),
  }),
  tanh: elementwise({
    name: 'tanh',
    scalars: [],
    formula: 'tanh(x)',
    value: Math.tanh,
    slopeFrom: 'y',
    slopeFormula: '1 - y^2',
    slope: (y) => 1 - y * y,
  }),
  relu: elementwise({
    name: 'relu',
    source: 'https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf',
    scalars: [],
    formula: 'max(x, 0), NaN stays NaN',
    value: (x) => Math.max(x, 0),
    slopeFrom: 'y',
    slopeFormula: 'y > 0 ? 1 : 0',
    slope: (y) => (y > 0 ? 1 : 0),
  }),
  leaky_relu: elementwise({
    name: 'leaky_relu',
    source: 'https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf',
    scalars: ['negative_slope'],
    formula: 'x < 0 ? negative_slope x : x',
    value: (x, negativeSlope) => (x < 0 ? negativeSlope * x : x),
    slopeFrom: 'x',
    slopeFormula: 'x > 0 ? 1 : negative_slope',
    slope: (x, negativeSlope) => (x > 0 ? 1 : negativeSlope),
  }),
  elu: elementwise({
    name: 'elu',
    source: 'https://arxiv.org/abs/1511.07289',
    scalars: ['alpha'],
    formula: 'x > 0 ? x : alpha (exp(x) - 1)',
    value: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
    slopeFrom: 'x',
    slopeFormula: 'x > 0 ? 1 : alpha exp(x)',
    slope: (x, alpha) => (x > 0 ? 1 : alpha * Math.exp(x)),
  }),
  selu: elementwise({
    name: 'selu',
    source: 'https://arxiv.org/abs/1706.02515',
    scalars: [],
    formula: 's (x > 0 ? x : a (exp(x) - 1)), s = 1.0507009873554805, a = 1.6732632423543772',
    value: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    slopeFrom: 'x',
    slopeFormula: 's (x > 0 ? 1 : a exp(x))',
    slope: (x) => SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
  }),
  gelu: elementwise({
    name: 'gelu',
    source: 'https://arxiv.org/abs/1606.08415',
    scalars: [],
    formula: 'x/2 erfc(-x / sqrt 2)',
    value: (x) => (x / 2) * erfc(-x / Math.SQRT2),
    slopeFrom: 'x',
    slopeFormula: 'erfc(-x / sqrt 2)/2 + x exp(-x^2/2) / sqrt(2 pi)',
    slope: (x) => erfc(-x / Math.SQRT2) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
  }),
  gelu_tanh: elementwise({
    name: 'gelu_tanh',
    source: 'https://arxiv.org/abs/1606.08415',
    scalars: [],
    formula: 'x/2 (1 + t), t = tanh(sqrt(2/pi) (x + 0.044715 x^3))',
    value: (x) => (x / 2) * (1 + geluTanh(x)),
    slopeFrom: 'x',
    slopeFormula: '(1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 * 0.044715 x^2)',
    slope(x) {
      const t = geluTanh(x);
      return (1 + t) / 2 + (x / 2) * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * GELU_CUBIC * x * x);
    },
  }),
  silu: elementwise({
    name: 'silu',
    source: 'https://arxiv.org/abs/1702.03118',
    scalars: [],
    formula: 'x sigmoid(x)',
    value: (x) => x * sigmoidOf(x),
    slopeFrom: 'x',
    slopeFormula: 's + x s (1 - s), s = sigmoid(x)',
    slope(x) {
      const s = sigmoidOf(x);
      return s + x * s * (1 - s);
    },
  }),
  softplus: elementwise({
    name: 'softplus',
    source: 'https://proceedings.mlr.press/v15/glorot11a.html',
    scalars: [],
    formula: 'log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))',
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    slopeFrom: 'x',
    slopeFormula: 'sigmoid(x)',
    slope: sigmoidOf,
  }),
  softsign: elementwise({
    name: 'softsign',
    source: 'https://proceedings.mlr.press/v9/glorot10a.html',
    scalars: [],
    formula: 'x / (1 + |x|)',
    value: (x) => x / (1 + Math.abs(x)),
    slopeFrom: 'x',
    slopeFormula: '1 / (1 + |x|)^2',
    slope: (x) => 1 / (1 + Math.abs(x)) ** 2,
  }),
  hard_sigmoid: elementwise({
    name: 'hard_sigmoid',
    scalars: [],
    formula: 'clamp(x + 3, 0, 6) / 6',
    value: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
    slopeFrom: 'y',
    slopeFormula: '0 < y < 1 ? 1/6 : 0',
    slope: (y) => (y > 0 && y < 1 ? 1 / 6 : 0),
  }),
  exponential: elementwise({
    name: 'exponential',
    scalars: [],
    formula: 'exp(x)',
    value: Math.exp,
    slopeFrom: 'y',
    slopeFormula: 'y',
    slope: (y) => y,
  }),
  softmax,
  log_softmax: logSoftmax,
} as const;
