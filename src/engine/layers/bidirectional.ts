import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import { gru } from './gru.ts';
import type { WeightDefinition } from './layer.ts';
import { defineLayer, isFault } from './layer.ts';
import { innerLayerSchema } from './layer-schema.ts';
import { lstm } from './lstm.ts';
import type { RecurrentLayer } from './recurrent.ts';
import { simpleRnn } from './simple-rnn.ts';

const WRAPPED = { simple_rnn: simpleRnn, lstm, gru } as const satisfies Record<string, RecurrentLayer>;
type WrappedType = keyof typeof WRAPPED;

/** A layer as it stands in the option, with its defaults. */
interface InnerLayer {
  readonly type: string;
  readonly [option: string]: unknown;
}

type MergeMode = 'concat' | 'sum' | 'ave' | 'mul';

/**
 * Two copies of a recurrent layer, one over the steps as they are, one from the last to the first, whose outputs are put back in
 * order of time. Further inputs and outputs are the states of the first, then those of the second.
 */
export const bidirectional = defineLayer({
  type: 'bidirectional',
  summary: 'A recurrent layer in both directions.',
  source: 'https://doi.org/10.1109/78.650093',
  options: Type.Object({
    layer: Type.Unsafe<InnerLayer>({
      anyOf: Object.values(WRAPPED).map(innerLayerSchema),
      description: 'The recurrent layer, without a name. Each direction has a copy with weights of its own.',
    }),
    merge_mode: Type.Unsafe<MergeMode>({
      type: 'string',
      enum: ['concat', 'sum', 'ave', 'mul'],
      default: 'concat',
      description: 'How the outputs of the two directions become one.',
    }),
  }),
  arity: { min: 1, max: 5 },
  outputShape({ layer, merge_mode }, [input, ...initial]) {
    const wrapped = wrappedOf(layer);
    const [shape, other] = halvesOf(initial).map((states) => wrapped.outputShape(layer, [input!, ...states]));
    if (isFault(shape!)) return shape;
    const fault = isFault(other!) ? other : (directionFault(layer) ?? pairFault(initial));
    if (fault) return fault;
    return merge_mode === 'concat' ? [...shape!.slice(0, -1), 2 * shape!.at(-1)!] : shape!;
  },
  furtherOutputs({ layer }, [input]) {
    const states = wrappedOf(layer).furtherOutputs?.(layer, [input!]) ?? [];
    return [...states, ...states];
  },
  weights({ layer }, [input]) {
    const weights = wrappedOf(layer).weights(layer, [input!]);
    return ['forward', 'backward'].flatMap((half) =>
      weights.map((weight): WeightDefinition => ({ ...weight, name: `${half}_${weight.name}` })),
    );
  },
  outputActivation: ({ layer, merge_mode }) => (merge_mode === 'concat' ? (wrappedOf(layer).outputActivation?.(layer) ?? null) : null),
  build(graph, { layer, merge_mode }, [x, ...initial], weights, { masks }) {
    const wrapped = wrappedOf(layer);
    const [forward, backward] = halvesOf(initial).map((states, half) =>
      wrapped.run(graph, layer, [x!, ...states], weightsOf(weights, half === 0 ? 'forward_' : 'backward_'), {
        mask: masks[0] ?? null,
        backwards: half === 1,
        inTimeOrder: true,
      }),
    );
    const y = merge(graph, merge_mode, [forward![0]!, backward![0]!]);
    return layer['return_state'] === true ? [y, ...forward!.slice(1), ...backward!.slice(1)] : y;
  },
  outputMask: (_graph, { layer }, _inputs, [mask]) => (layer['return_sequences'] === true ? (mask ?? null) : null),
});

function merge(graph: GraphBuilder, mode: MergeMode, [forward, backward]: readonly [Value, Value]): Value {
  switch (mode) {
    case 'concat':
      return graph.apply('concatenate', [forward, backward], { axis: forward.shape.length - 1 });
    case 'sum':
      return graph.apply('add', [forward, backward], {});
    case 'ave':
      return graph.apply('affine', [graph.apply('add', [forward, backward], {})], { scale: 0.5, shift: 0 });
    case 'mul':
      return graph.apply('multiply', [forward, backward], {});
    default:
      return mode satisfies never;
  }
}

function wrappedOf({ type }: InnerLayer): RecurrentLayer {
  if (!isWrapped(type)) throw new Error(`bidirectional cannot hold ${type}: the spec was not checked.`);
  return WRAPPED[type];
}

function isWrapped(type: string): type is WrappedType {
  return Object.hasOwn(WRAPPED, type);
}

/** Initial states of the first copy, then those of the second. */
function halvesOf<T>(states: readonly T[]): [readonly T[], readonly T[]] {
  const half = Math.ceil(states.length / 2);
  return [states.slice(0, half), states.slice(half)];
}

function weightsOf(weights: Readonly<Record<string, Value>>, prefix: string): Record<string, Value> {
  const own = Object.entries(weights).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

function directionFault({ go_backwards }: InnerLayer): Fault | undefined {
  if (go_backwards !== true) return undefined;
  return {
    pointer: '/layer/go_backwards',
    code: 'not_one_of',
    detail: 'bidirectional reads in both directions: go_backwards of the layer inside must be false.',
    expected: false,
    received: true,
    suggestion: [{ op: 'replace', path: '/layer/go_backwards', value: false }],
  };
}

function pairFault(initial: readonly Shape[]): Fault | undefined {
  if (initial.length % 2 === 0) return undefined;
  const detail = `bidirectional takes as many initial states for each direction, received ${initial.length} in all.`;
  return { pointer: '', code: 'input_count', detail, expected: initial.length + 1, received: initial.length };
}
