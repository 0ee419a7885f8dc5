import Type from 'typebox';
import type { Value } from '../graph/graph.ts';
import { formatShape } from '../shape.ts';
import type { LayerDefinition } from './layer.ts';
import { defineLayer, isFault, passMask } from './layer.ts';
import { innerLayerSchema } from './layer-schema.ts';

/** A layer as it stands in the option of another one, with its defaults. */
interface InnerLayer {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** One layer for every step of a sequence, with the same weights: x (t, …) becomes y (t, …). */
export function timeDistributed(inner: Readonly<Record<string, LayerDefinition>>) {
  const single = Object.values(inner).filter(({ arity, inputType }) => (arity?.min ?? 1) === 1 && inputType !== 'int32');
  const definitionOf = ({ type }: InnerLayer): LayerDefinition => {
    const definition = inner[type];
    if (!definition) throw new Error(`There is no layer ${type} for single steps: the spec was not checked.`);
    return definition;
  };
  return defineLayer({
    type: 'time_distributed',
    summary: 'The same layer for every step of a sequence.',
    options: Type.Object({
      layer: Type.Unsafe<InnerLayer>({ anyOf: single.map(innerLayerSchema), description: 'The layer for one step, without a name.' }),
    }),
    outputShape({ layer }, [input]) {
      if (input!.length < 2) {
        const detail = `A time_distributed layer needs a sequence, received ${formatShape(input!)}.`;
        return { pointer: '', code: 'shape_mismatch', detail, expected: '[batch, time, ...]', received: formatShape(input!) };
      }
      const shape = definitionOf(layer).outputShape(layer, [input!.slice(1)]);
      if (!isFault(shape)) return [input![0]!, ...shape];
      const suggestion = shape.suggestion?.map((operation) => ({ ...operation, path: `/layer${operation.path}` }));
      return { ...shape, pointer: `/layer${shape.pointer}`, ...(suggestion && { suggestion }) };
    },
    weights: ({ layer }, [input]) => definitionOf(layer).weights(layer, [input!.slice(1)]),
    outputActivation: ({ layer }) => definitionOf(layer).outputActivation?.(layer) ?? null,
    build(graph, { layer }, [input], weights, { trainable }) {
      const rows = graph.apply('steps_to_rows', [input!], {});
      const built = definitionOf(layer).build(graph, layer, [rows], weights, { masks: [null], trainable });
      return graph.apply('rows_to_steps', [firstOf(built)], { steps: input!.shape[0]! });
    },
    outputMask: passMask,
  });
}

function firstOf(built: Value | readonly Value[]): Value {
  const [first] = [built].flat();
  return first!;
}
