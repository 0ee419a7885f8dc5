/*
 * Weights that come with a request, as nested lists by name: checked against a network and turned into tensors.
 */

import type { Fault } from '../faults.ts';
import { GraphBuilder } from '../graph/graph.ts';
import { isObject, pointerTo } from '../json-schema.ts';
import { nearest } from '../nearest.ts';
import type { Shape } from '../shape.ts';
import { sameShape } from '../shape.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import { buildNetwork } from './build-graph.ts';
import type { ModelSpec } from './model-spec.ts';

export interface GivenWeights {
  /** A spec that passed its check. */
  readonly spec: ModelSpec;
  /** `{"<layer>/<weight>": nested lists of numbers}`. */
  readonly given: unknown;
  /** Whether every weight of the network must be there. */
  readonly complete: boolean;
}

/** Everything wrong with given weights, and the tensors they are when nothing is. */
export function readGivenWeights({ spec, given, complete }: GivenWeights): {
  readonly faults: readonly Fault[];
  readonly tensors: readonly NamedTensor[];
} {
  if (!isObject(given))
    return { faults: [{ pointer: '', code: 'wrong_type', detail: 'Weights are an object of nested lists by name.' }], tensors: [] };
  const { weights } = buildNetwork(spec, new GraphBuilder('inference'));
  const shapes = new Map(weights.map(({ name, shape }) => [name, shape]));
  const unknown = Object.keys(given).filter((name) => !shapes.has(name));
  const missing = complete ? [...shapes.keys()].filter((name) => !Object.hasOwn(given, name)) : [];
  const read = [...shapes].filter(([name]) => Object.hasOwn(given, name)).map(([name, shape]) => readTensor(name, shape, given[name]));
  return {
    faults: [
      ...unknown.map((name) => unknownWeight(name, shapes)),
      ...missing.map((name) => missingWeight(name, shapes.get(name))),
      ...read.flatMap(({ fault }) => fault ?? []),
    ],
    tensors: read.flatMap(({ tensor }) => tensor ?? []),
  };
}

function unknownWeight(name: string, shapes: ReadonlyMap<string, Shape>): Fault {
  const pointer = pointerTo('', name);
  const known = [...shapes.keys()];
  return {
    pointer,
    code: 'unknown_weight',
    detail: `The network has no weight ${JSON.stringify(name)}. ${hint(nearest(name, known), known)}`,
    expected: known,
    received: name,
    suggestion: [{ op: 'remove', path: pointer }],
  };
}

function hint(meant: string | undefined, known: readonly string[]): string {
  return meant === undefined ? `Its weights are ${known.join(', ') || 'none'}.` : `Did you mean ${JSON.stringify(meant)}?`;
}

function missingWeight(name: string, shape: Shape = []): Fault {
  const detail = `The weight ${name} of shape [${shape.join(', ')}] is missing: nothing is learned here, so every weight must be given.`;
  return { pointer: pointerTo('', name), code: 'missing_field', detail, expected: shape };
}

function readTensor(name: string, shape: Shape, value: unknown): { fault: Fault | null; tensor: NamedTensor | null } {
  const received = shapeOf(value);
  const numbers = [value].flat(Number.POSITIVE_INFINITY);
  const isRight = sameShape(received, shape) && numbers.length === shape.reduce((product, size) => product * size, 1);
  if (isRight && numbers.every((number) => typeof number === 'number' && Number.isFinite(Math.fround(number)))) {
    return { fault: null, tensor: { name, shape, data: Float32Array.from(numbers, Number) } };
  }
  const detail = isRight
    ? `The weight ${name} holds something that is no number in the range of float32.`
    : `The weight ${name} must have the shape [${shape.join(', ')}], received [${received.join(', ')}].`;
  return { fault: { pointer: pointerTo('', name), code: 'weight_mismatch', detail, expected: shape, received }, tensor: null };
}

/** Lengths down the first elements; that the others are as long shows in the count of numbers. */
function shapeOf(value: unknown): Shape {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : [];
}
