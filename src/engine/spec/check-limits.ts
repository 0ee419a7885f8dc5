import type { Fault } from '../faults.ts';
import type { WeightDefinition } from '../layers/layer.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import type { SpecLimits } from './model-spec.ts';

const ELEMENT_BYTES = 4;

/** What the layers so far hold. */
export interface SizeTally {
  readonly params: number;
  readonly weights: number;
}

interface LayerSize {
  readonly pointer: string;
  readonly weights: readonly WeightDefinition[];
  readonly outputShape: Shape;
  readonly limits: SpecLimits;
}

/** Adds a layer to the tally, or says which limit it passes. Sizes are compared as doubles: too large a product is still too large. */
export function tallyLayer(
  tally: SizeTally,
  { pointer, weights, outputShape, limits }: LayerSize,
): { tally: SizeTally; fault: Fault | null } {
  const params = weights.reduce((sum, weight) => sum + sizeOf(weight.shape), tally.params);
  const after = { params, weights: tally.weights + weights.length };
  if (params > limits.parametersMax) {
    return {
      tally: after,
      fault: limitFault(pointer, 'The network up to this layer has', params, { max: limits.parametersMax, unit: 'parameters' }),
    };
  }
  return { tally: after, fault: checkRowSize(pointer, outputShape, limits) };
}

/** One row of a tensor must fit the arena, or nothing will. */
export function checkRowSize(pointer: string, shape: Shape, limits: SpecLimits): Fault | null {
  const bytes = sizeOf(shape) * ELEMENT_BYTES;
  if (bytes <= limits.arenaBytesMax) return null;
  return limitFault(pointer, 'One row here takes', bytes, { max: limits.arenaBytesMax, unit: 'bytes' });
}

export function checkLayerCount(count: number, limits: SpecLimits): Fault[] {
  if (count <= limits.layersMax) return [];
  return [limitFault('/layers', 'The network has', count, { max: limits.layersMax, unit: 'layers' })];
}

function limitFault(pointer: string, sentence: string, received: number, { max, unit }: { max: number; unit: string }): Fault {
  return {
    pointer,
    code: 'limit_exceeded',
    detail: `${sentence} ${received} ${unit}, this server allows ${max}.`,
    expected: max,
    received: Number.isFinite(received) ? received : String(received),
  };
}
