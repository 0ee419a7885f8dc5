import type { BufferRef } from '../backends/backend.ts';
import { sizeOf } from '../shape.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import { ARENA_START, alignUp } from './placement.ts';

/** Consecutive bytes that one kernel call or one copy treats as a whole. */
export interface Block {
  readonly byteOffset: number;
  readonly bytes: number;
}

/**
 * The front of every arena. Training, evaluation and prediction have it alike, so their programs share one set of weights:
 *
 *     trainable weights | other weights | gradients | slot 1 | slot 2 …
 *
 * Gradients and slots repeat the order and padding of the trainable weights: an update is one pass over equal blocks.
 * Padding stays 0 (its gradient is 0, and no optimizer moves such a weight).
 */
export interface WeightsLayout {
  /** Places in spec order. */
  readonly weights: readonly BufferRef[];
  readonly trainable: Block;
  readonly others: Block;
  readonly gradients: Block;
  readonly slots: readonly Block[];
  /** First byte after all of these. */
  readonly to: number;
}

/** All weights: what a network is, without what its training remembers. */
export function weightsBlock({ trainable, others }: Pick<WeightsLayout, 'trainable' | 'others'>): Block {
  return { byteOffset: trainable.byteOffset, bytes: trainable.bytes + others.bytes };
}

/** The place of the gradient of a trainable weight. */
export function gradientPlace({ trainable, gradients }: WeightsLayout, weight: BufferRef): BufferRef {
  return { ...weight, byteOffset: weight.byteOffset - trainable.byteOffset + gradients.byteOffset };
}

export function layOutWeights(
  weights: readonly NetworkWeight[],
  { realBytes, slots }: { readonly realBytes: 4 | 8; readonly slots: number | null },
): WeightsLayout {
  const places = new Map<NetworkWeight, BufferRef>();
  const pack = (chosen: readonly NetworkWeight[], from: number): Block => {
    let to = from;
    for (const weight of chosen) {
      const length = sizeOf(weight.shape);
      places.set(weight, { byteOffset: to, dtype: realBytes === 8 ? 'float64' : 'float32', length });
      to += alignUp(length * realBytes);
    }
    return { byteOffset: from, bytes: to - from };
  };
  const trainable = pack(
    weights.filter((weight) => weight.trainable),
    ARENA_START,
  );
  const others = pack(
    weights.filter((weight) => !weight.trainable),
    ARENA_START + trainable.bytes,
  );
  const after = ARENA_START + trainable.bytes + others.bytes;
  // A plan that only predicts has neither gradients nor slots.
  const copies =
    slots === null
      ? []
      : Array.from({ length: slots + 1 }, (_, i) => ({ byteOffset: after + i * trainable.bytes, bytes: trainable.bytes }));
  return {
    weights: weights.map((weight) => places.get(weight)!),
    trainable,
    others,
    gradients: copies[0] ?? { byteOffset: after, bytes: 0 },
    slots: copies.slice(1),
    to: after + copies.length * trainable.bytes,
  };
}
