import Type, { type Static, type TObject } from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { OpAttributes, OpName } from '../ops/op-attributes.ts';

/** An element-wise function or softmax, by itself or at the end of a layer. */
interface ActivationDefinition<Options extends TObject = TObject> {
  readonly summary: string;
  /** Link to the paper. */
  readonly source?: string;
  /** Options of the `activation` layer; a layer that names the activation uses the defaults. */
  readonly options: Options;
  apply(graph: GraphBuilder, input: Value, options: Static<Options>): Value;
}

/** Ops that take no attributes. */
type PlainOp = { [K in OpName]: OpAttributes[K] extends Readonly<Record<string, never>> ? K : never }[OpName];

/** Every activation by the name specs use. */
export const ACTIVATIONS = {
  linear: { summary: 'z, unchanged.', options: Type.Object({}), apply: (_graph, input) => input },
  relu: plain('relu', 'max(0, z).', 'https://proceedings.mlr.press/v15/glorot11a.html'),
  leaky_relu: define({
    summary: 'z for z > 0, else negative_slope * z.',
    source: 'https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf',
    options: Type.Object({
      negative_slope: Type.Number({ minimum: 0, default: 0.3, description: 'Slope for negative values.' }),
    }),
    apply: (graph, input, { negative_slope }) => graph.apply('leaky_relu', [input], { negative_slope }),
  }),
  elu: define({
    summary: 'z for z > 0, else alpha * (e^z - 1).',
    source: 'https://arxiv.org/abs/1511.07289',
    options: Type.Object({ alpha: Type.Number({ minimum: 0, default: 1, description: 'Minus the limit for very negative values.' }) }),
    apply: (graph, input, { alpha }) => graph.apply('elu', [input], { alpha }),
  }),
  selu: plain('selu', 'elu scaled so that layers keep mean 0 and variance 1.', 'https://arxiv.org/abs/1706.02515'),
  gelu: define({
    summary: 'z times the normal distribution function of z.',
    source: 'https://arxiv.org/abs/1606.08415',
    options: Type.Object({ approximate: Type.Boolean({ default: false, description: 'Use the form with tanh.' }) }),
    apply: (graph, input, { approximate }) => graph.apply(approximate ? 'gelu_tanh' : 'gelu', [input], {}),
  }),
  silu: plain('silu', 'z * sigmoid(z), also known as swish.', 'https://arxiv.org/abs/1710.05941'),
  sigmoid: plain('sigmoid', '1 / (1 + e^-z): a probability.'),
  hard_sigmoid: plain('hard_sigmoid', 'relu6(z + 3) / 6: a sigmoid of straight lines.'),
  tanh: plain('tanh', 'Hyperbolic tangent, from -1 to 1.'),
  softplus: plain('softplus', 'log(1 + e^z): a smooth relu.'),
  softsign: plain('softsign', 'z / (1 + |z|).'),
  exponential: plain('exponential', 'e^z.'),
  softmax: plain('softmax', 'Probabilities over the last axis: e^z divided by its sum.'),
  log_softmax: plain('log_softmax', 'Logarithm of softmax.'),
  step: plain('step', '1 for z >= 0, else 0; its gradient is 0.'),
} as const satisfies Record<string, ActivationDefinition>;

export type ActivationName = keyof typeof ACTIVATIONS;

/** The option by which a layer names the activation it ends in. */
export function activationOption(defaultName: ActivationName) {
  return Type.Unsafe<ActivationName>({
    type: 'string',
    enum: Object.keys(ACTIVATIONS),
    default: defaultName,
    description: 'Function applied to the result.',
  });
}

/** Applies an activation with the default of every option it has. */
export function applyActivation(graph: GraphBuilder, name: ActivationName, input: Value): Value {
  return activationOf(name).apply(graph, input, defaultsOf(activationOf(name)));
}

export function activationOf(name: ActivationName): ActivationDefinition {
  return ACTIVATIONS[name];
}

function defaultsOf({ options }: ActivationDefinition): Record<string, unknown> {
  const properties: Record<string, { default?: unknown }> = options.properties;
  return Object.fromEntries(Object.entries(properties).map(([name, option]) => [name, option.default]));
}

function define<Options extends TObject>(definition: ActivationDefinition<Options>): ActivationDefinition<Options> {
  return definition;
}

function plain(op: PlainOp & ActivationOp, summary: string, source?: string): ActivationDefinition {
  return { summary, ...(source && { source }), options: Type.Object({}), apply: (graph, input) => graph.apply(op, [input], {}) };
}

type ActivationOp =
  | 'relu'
  | 'selu'
  | 'silu'
  | 'sigmoid'
  | 'hard_sigmoid'
  | 'tanh'
  | 'softplus'
  | 'softsign'
  | 'exponential'
  | 'softmax'
  | 'log_softmax'
  | 'step';
