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
  if (hasShape(value, shape)) {
    const numbers = [value].flat(shape.length + 1);
    if (numbers.every((number) => typeof number === 'number' && Number.isFinite(Math.fround(number)))) {
      return { fault: null, tensor: { name, shape, data: Float32Array.from(numbers, Number) } };
    }
    const detail = `The weight ${name} holds something that is no number in the range of float32.`;
    return { fault: { pointer: pointerTo('', name), code: 'weight_mismatch', detail }, tensor: null };
  }
  const received = shapeSeen(value, shape.length + 1);
  const detail = sameShape(received, shape)
    ? `The lists of the weight ${name}, which has the shape [${shape.join(', ')}], are not of one length.`
    : `The weight ${name} must have the shape [${shape.join(', ')}], received [${received.join(', ')}].`;
  return { fault: { pointer: pointerTo('', name), code: 'weight_mismatch', detail, expected: shape, received }, tensor: null };
}

function hasShape(value: unknown, [length, ...rest]: Shape): boolean {
  if (length === undefined) return !Array.isArray(value);
  return Array.isArray(value) && value.length === length && value.every((item) => hasShape(item, rest));
}

/** Lengths down the first elements, which is what a message can say. */
function shapeSeen(value: unknown, depth: number): Shape {
  return Array.isArray(value) && depth > 0 ? [value.length, ...shapeSeen(value[0], depth - 1)] : [];
}
