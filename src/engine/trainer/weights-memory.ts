import { initialize } from '../initializers/index.ts';
import type { WeightsLayout } from '../plan/weights-layout.ts';
import { sameShape } from '../shape.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import type { TrainRequest } from './training.ts';

/** The weights of a plan and the arena that holds them. */
export interface WeightsMemory {
  readonly weights: readonly NetworkWeight[];
  readonly layout: WeightsLayout;
  readonly arena: ArrayBuffer;
}

/** First values: a function of the seed and of the weight's stream, which is its position in the spec. */
export function initializeWeights(memory: WeightsMemory, seed: number): void {
  memory.weights.forEach((weight, i) => {
    const view = viewOfWeight(memory, i);
    initialize(weight.initializer, weight.shape, seed, weight.stream, view);
    if (weight.ones) view.fill(1, weight.ones.from, weight.ones.to);
  });
}

/** The weights a training starts from: drawn ones, and those that are given instead. */
export function firstWeights(memory: WeightsMemory, { training, initialWeights }: Pick<TrainRequest, 'training' | 'initialWeights'>): void {
  initializeWeights(memory, training.seed);
  if (initialWeights) overwriteWeights(memory, initialWeights);
}

/** Copies of all weights in spec order. */
export function readWeights(memory: WeightsMemory): NamedTensor[] {
  return memory.weights.map(({ name, shape }, i) => ({ name, shape, data: viewOfWeight(memory, i).slice() }));
}

/** Loads weights by name; every weight of the network must be there in its shape. */
export function writeWeights(memory: WeightsMemory, tensors: readonly NamedTensor[]): void {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  memory.weights.forEach(({ name, shape }, i) => {
    const tensor = byName.get(name);
    if (!tensor || !sameShape(tensor.shape, shape)) {
      throw new Error(
        `The weight ${name} must have the shape [${shape.join(', ')}], received ${tensor ? `[${tensor.shape.join(', ')}]` : 'none'}`,
      );
    }
    viewOfWeight(memory, i).set(tensor.data);
  });
}

/** Loads the weights of these names and leaves the others as they are. */
function overwriteWeights(memory: WeightsMemory, tensors: readonly NamedTensor[]): void {
  const byName = new Map(readWeights(memory).map((tensor) => [tensor.name, tensor]));
  for (const tensor of tensors) {
    if (!byName.has(tensor.name)) throw new Error(`The network has no weight ${tensor.name}`);
    byName.set(tensor.name, tensor);
  }
  writeWeights(memory, [...byName.values()]);
}

function viewOfWeight({ layout, arena }: WeightsMemory, index: number): Float32Array {
  const { byteOffset, length } = layout.weights[index]!;
  return new Float32Array(arena, byteOffset, length);
}
