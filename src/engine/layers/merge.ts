import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { LayerDefinition } from './layer.ts';
import { defineLayer } from './layer.ts';

/** Merge layers take any number of inputs from two on. */
export const SEVERAL = { min: 2, max: Number.POSITIVE_INFINITY } as const;

/** A step counts when it counts in every input that has a mask. */
export function jointMask(
  graph: GraphBuilder,
  _options: unknown,
  _inputs: readonly Value[],
  masks: readonly (Value | null)[],
): Value | null {
  const given = masks.filter((mask) => mask !== null);
  return given.length === 0 ? null : given.reduce((all, mask) => graph.apply('multiply', [all, mask], {}));
}

/** The fault of inputs that must have one shape and do not. */
function unequalShapes(type: string, inputs: readonly Shape[]): Fault | null {
  const [first] = inputs;
  const differing = inputs.findIndex((shape) => !sameShape(shape, first!));
  if (differing < 0) return null;
  return {
    pointer: `/inbound/${differing}`,
    code: 'shape_mismatch',
    detail: `The inputs of ${type} must have the same shape: the first is ${formatShape(first!)}, this one ${formatShape(inputs[differing]!)}.`,
    expected: formatShape(first!),
    received: formatShape(inputs[differing]!),
  };
}

/** A merge of values of one shape, element by element, two at a time. */
export function elementwiseMerge(merge: {
  readonly type: string;
  readonly summary: string;
  readonly arity?: LayerDefinition['arity'];
  readonly op: 'add' | 'subtract' | 'multiply' | 'maximum';
  /** Factor of the result. */
  readonly factor?: (inputs: number) => number;
}) {
  return defineLayer({
    type: merge.type,
    summary: merge.summary,
    options: Type.Object({}),
    arity: merge.arity ?? SEVERAL,
    outputShape: (_options, inputs) => unequalShapes(merge.type, inputs) ?? inputs[0]!,
    weights: () => [],
    build(graph, _options, inputs) {
      const merged = inputs.reduce((all, input) => graph.apply(merge.op, [all, input], {}));
      return merge.factor ? graph.apply('affine', [merged], { scale: merge.factor(inputs.length), shift: 0 }) : merged;
    },
    outputMask: jointMask,
  });
}
