import type { Fault } from '../faults.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { Tensor } from './build-graph.ts';
import type { CheckedLayer, KnownLayer } from './check-layer.ts';

interface Uses {
  readonly layer: CheckedLayer;
  readonly known: KnownLayer;
  readonly uses: readonly (readonly Tensor[])[];
}

/** Whether a layer can take as many inputs, of that type, and with the same shapes in every use. Pointers are below the layer. */
export function useFaults({ known: { definition }, uses }: Uses): Fault[] {
  return uses.flatMap((inputs, use) => {
    const pointer = uses.length > 1 ? `/inbound/${use}` : '/inbound';
    return [...countFaults(definition, inputs, pointer), ...typeFaults(definition, inputs), ...sharingFaults(uses[0]!, inputs, pointer)];
  });
}

function countFaults({ type, arity }: LayerDefinition, inputs: readonly Tensor[], pointer: string): Fault[] {
  const { min, max } = arity ?? { min: 1, max: 1 };
  if (inputs.length >= min && inputs.length <= max) return [];
  const expected = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
  const detail = `The layer ${type} takes ${expected} input${expected === '1' ? '' : 's'}, received ${inputs.length}.`;
  return [{ pointer, code: 'input_count', detail, expected, received: inputs.length }];
}

function typeFaults({ type, inputType }: LayerDefinition, inputs: readonly Tensor[]): Fault[] {
  const wanted = inputType ?? 'real';
  return inputs
    .filter(({ value }) => value.type !== wanted)
    .map(({ value }) => ({
      pointer: '/type',
      code: 'dtype_mismatch',
      detail:
        wanted === 'int32'
          ? `The layer ${type} looks up whole numbers: its input must be an input of the network with the dtype int32.`
          : `The layer ${type} computes with real numbers, but the input ${JSON.stringify(value.label)} has the dtype int32.`,
      expected: wanted === 'int32' ? 'int32' : 'float32',
      received: value.type === 'int32' ? 'int32' : 'float32',
    }));
}

/** The weights of a shared layer were made for the shapes of its first use. */
function sharingFaults(first: readonly Tensor[], inputs: readonly Tensor[], pointer: string): Fault[] {
  const differing = inputs.find(({ value }, i) => first[i] && !sameShape(value.shape, first[i].value.shape));
  if (!differing || inputs.length !== first.length) return [];
  const shapes = first.map(({ value }) => formatShape(value.shape)).join(' and ');
  const detail = `Every use of a shared layer must have the same shapes: the first has ${shapes}, this one ${formatShape(differing.value.shape)}.`;
  return [{ pointer, code: 'shape_mismatch', detail, expected: shapes, received: formatShape(differing.value.shape) }];
}
