import Type from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import { initializerOption } from '../initializers/index.ts';
import { STREAMS } from '../random.ts';
import type { Shape } from '../shape.ts';
import { formatShape } from '../shape.ts';
import type { LayerContext, WeightDefinition } from './layer.ts';
import { defineLayer, passMask } from './layer.ts';
import { permuted } from './permuted.ts';
import { regularizerOption } from './regularizer.ts';

/** Far below every score, so that its softmax is 0, and finite, so that a row in which nothing counts stays finite. */
const NOTHING = -1e30;

const options = Type.Object({
  num_heads: Type.Integer({ minimum: 1, description: 'Number of heads.' }),
  key_dim: Type.Integer({ minimum: 1, description: 'Size of query, key and value in each head.' }),
  use_causal_mask: Type.Boolean({ default: false, description: 'Whether a step sees only itself and those before it.' }),
  dropout: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0, description: 'Share of the attention weights dropped in training.' }),
  use_bias: Type.Boolean({ default: true, description: 'Whether the projections have a bias.' }),
  kernel_initializer: initializerOption('glorot_uniform', 'First values of the projections.'),
  bias_initializer: initializerOption('zeros', 'First values of the biases.'),
  kernel_regularizer: regularizerOption('Penalty on the projections.'),
});

interface Options {
  readonly num_heads: number;
  readonly key_dim: number;
  readonly use_causal_mask: boolean;
  readonly dropout: number;
}

type Weights = Readonly<Record<string, Value>>;

/**
 * Scaled dot-product attention in several heads: softmax(Q K^T / sqrt(key_dim)) V, the heads side by side, projected back.
 * Inputs: query (t, d), then value (s, e) and key (s, f) where they are others; one input attends to itself. Output (t, d).
 * Projections are matrices over the last axis with the heads side by side: `query_kernel` (d, heads * key_dim), …
 */
export const multiHeadAttention = defineLayer({
  type: 'multi_head_attention',
  summary: 'Lets every step of a sequence look at all steps of the same or another one.',
  source: 'https://arxiv.org/abs/1706.03762',
  options,
  arity: { min: 1, max: 3 },
  outputShape(_options, inputs) {
    const wrong = inputs.findIndex(({ length }) => length !== 2);
    const { query, key, value } = roles(inputs);
    if (wrong < 0 && key[0] === value[0]) return query;
    const detail =
      wrong < 0 ? `Key and value must have as many steps: ${formatShape(key)} and ${formatShape(value)}.` : sequenceWords(inputs[wrong]!);
    return {
      pointer: wrong < 0 ? '/inbound' : '',
      code: 'shape_mismatch',
      detail,
      expected: '[batch, time, features]',
      received: formatShape(inputs[Math.max(wrong, 0)]!),
    };
  },
  weights(own, inputs) {
    const { query, key, value } = roles(inputs);
    const width = own.num_heads * own.key_dim;
    const projection = (name: string, from: number, to: number): WeightDefinition[] => {
      const kernel = {
        name: `${name}_kernel`,
        shape: [from, to],
        initializer: own.kernel_initializer,
        trainable: true,
        regularizer: own.kernel_regularizer,
      };
      const bias = { name: `${name}_bias`, shape: [to], initializer: own.bias_initializer, trainable: true };
      return own.use_bias ? [kernel, bias] : [kernel];
    };
    return [
      ...projection('query', query[1]!, width),
      ...projection('key', key[1]!, width),
      ...projection('value', value[1]!, width),
      ...projection('output', width, query[1]!),
    ];
  },
  build(graph, own, inputs, weights, context) {
    const { query, key, value } = roles(inputs);
    const scores = graph.apply(
      'batch_product',
      [heads(graph, own, project(graph, 'query', query, weights)), keys(graph, own, project(graph, 'key', key, weights))],
      {},
    );
    const scaled = graph.apply('affine', [scores], { scale: 1 / Math.sqrt(own.key_dim), shift: 0 });
    const attention = graph.apply('softmax', [masked(graph, own, scaled, context)], {});
    const seen = graph.apply(
      'batch_product',
      [dropped(graph, own, attention), heads(graph, own, project(graph, 'value', value, weights))],
      {},
    );
    // (heads, t, key_dim) to (t, heads * key_dim)
    const steps = graph.apply('reshape', [permuted(graph, seen, [1, 0, 2])], { shape: [query.shape[0]!, own.num_heads * own.key_dim] });
    return project(graph, 'output', steps, weights);
  },
  outputMask: passMask,
});

/** One input is all three; two are query and value, which is also the key. */
function roles<T>([query, value, key]: readonly T[]): { query: T; key: T; value: T } {
  return { query: query!, value: value ?? query!, key: key ?? value ?? query! };
}

function sequenceWords(shape: Shape): string {
  return `A multi_head_attention layer needs sequences of vectors, received ${formatShape(shape)}.`;
}

function project(graph: GraphBuilder, name: string, input: Value, weights: Weights): Value {
  const bias = weights[`${name}_bias`];
  return graph.apply('dense', [input, weights[`${name}_kernel`]!, ...(bias ? [bias] : [])], {});
}

/** (t, heads * k) to (heads, t, k). */
function heads(graph: GraphBuilder, { num_heads, key_dim }: Options, projected: Value): Value {
  const split = graph.apply('reshape', [projected], { shape: [projected.shape[0]!, num_heads, key_dim] });
  return permuted(graph, split, [1, 0, 2]);
}

/** (s, heads * k) to (heads, k, s). */
function keys(graph: GraphBuilder, { num_heads, key_dim }: Options, projected: Value): Value {
  const steps = projected.shape[0]!;
  return graph.apply('reshape', [permuted(graph, projected, [1, 0])], { shape: [num_heads, key_dim, steps] });
}

/** The mask of the keys is that of the value (or the only) input. */
function masked(graph: GraphBuilder, { use_causal_mask }: Options, scores: Value, { masks }: LayerContext): Value {
  const causal = use_causal_mask ? graph.apply('causal_scores', [scores], { fill: NOTHING }) : scores;
  const mask = masks.length > 1 ? masks[1] : masks[0];
  return mask ? graph.apply('mask_scores', [causal, mask], { fill: NOTHING }) : causal;
}

function dropped(graph: GraphBuilder, { dropout }: Options, attention: Value): Value {
  const stream = STREAMS.dropout + graph.nextStream();
  return graph.mode === 'training' && dropout > 0 ? graph.apply('dropout', [attention], { rate: dropout, stream }) : attention;
}
