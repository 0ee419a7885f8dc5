import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { Value } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import { formatShape } from '../shape.ts';
import { defineLayer } from './layer.ts';
import { jointMask, SEVERAL } from './merge.ts';

/** The inputs one behind the other along an axis; all other axes are equal. */
export const concatenate = defineLayer({
  type: 'concatenate',
  summary: 'The inputs one behind the other along an axis.',
  options: Type.Object({
    axis: Type.Integer({
      default: -1,
      description: 'Axis to join along, counted with the batch as axis 0, or from the end when negative.',
    }),
  }),
  arity: SEVERAL,
  outputShape({ axis }, inputs) {
    const [first] = inputs;
    const at = axisOf(axis, first!);
    if (at === null) return axisFault(axis, first!);
    const differing = inputs.findIndex(
      (shape) => shape.length !== first!.length || shape.some((size, i) => i !== at && size !== first![i]),
    );
    if (differing >= 0) return differingFault(differing, inputs);
    return first!.with(
      at,
      inputs.reduce((sum, shape) => sum + shape[at]!, 0),
    );
  },
  weights: () => [],
  build: (graph, { axis }, inputs) => graph.apply('concatenate', inputs, { axis: axisOf(axis, inputs[0]!.shape) ?? 0 }),
  outputMask(graph, options, inputs, masks) {
    if (axisOf(options.axis, inputs[0]!.shape) !== 0) return jointMask(graph, options, inputs, masks);
    // Along the steps masks are joined as well, if all inputs have one.
    return masks.every((mask): mask is Value => mask !== null) ? graph.apply('concatenate', masks, { axis: 0 }) : null;
  },
});

/** Position among the axes of a row; null for the batch and for axes there are not. */
function axisOf(axis: number, { length }: Shape): number | null {
  const at = axis < 0 ? length + axis : axis - 1;
  return at >= 0 && at < length ? at : null;
}

function axisFault(axis: number, shape: Shape): Fault {
  return {
    pointer: '/axis',
    code: 'shape_mismatch',
    detail: `The inputs ${formatShape(shape)} have the axes 1 to ${shape.length} besides the batch, received ${axis}.`,
    expected: `1 to ${shape.length}`,
    received: axis,
    suggestion: [{ op: 'replace', path: '/axis', value: -1 }],
  };
}

function differingFault(differing: number, inputs: readonly Shape[]): Fault {
  const [first] = inputs;
  return {
    pointer: `/inbound/${differing}`,
    code: 'shape_mismatch',
    detail: `Joined inputs differ in the joined axis only: the first is ${formatShape(first!)}, this one ${formatShape(inputs[differing]!)}.`,
    expected: formatShape(first!),
    received: formatShape(inputs[differing]!),
  };
}
