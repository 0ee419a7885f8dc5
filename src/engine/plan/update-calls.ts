import type { BufferRef } from '../backends/backend.ts';
import { differentiate } from '../graph/differentiate.ts';
import type { Value } from '../graph/graph.ts';
import { stateUpdateCalls } from '../ops/calls.ts';
import type { Call } from '../ops/op.ts';
import { elementsOf, fixed } from '../ops/op.ts';
import type { UpdateCall } from '../optimizers/optimizer.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import { bufferRef } from './placement.ts';
import type { Side } from './training-side.ts';
import { gradientPlace, type WeightsLayout } from './weights-layout.ts';

/** Bounds of gradients, applied in this order before the update; null is no bound. */
export interface Clips {
  /** Of each element. */
  readonly value: number | null;
  /** Of the norm of each weight's gradient. */
  readonly norm: number | null;
  /** Of the norm of all gradients together. */
  readonly globalNorm: number | null;
}

export interface UpdateRequest {
  readonly update: UpdateCall;
  readonly clips?: Clips;
  readonly realBytes: 4 | 8;
}

/** The second half of a training step, and the places its values must have. */
interface Update {
  readonly calls: readonly Call[];
  readonly homes: readonly (readonly [Value, BufferRef])[];
}

/**
 * Stop at a non-finite loss, go backward, stop at a non-finite gradient, update: no step that is not finite reaches the weights.
 */
export function updateCalls({ update, clips, realBytes }: UpdateRequest, side: Side, layout: WeightsLayout): Update {
  const { graph, network, outputs, nodes } = side;
  const { weights } = network;
  const { calls, gradients } = differentiate(graph, {
    nodes,
    roots: outputs.map(({ built, weight }) => ({ value: built.perVector, arriving: null, weight })),
    of: weights.filter((weight) => weight.trainable).map((weight) => weight.value),
  });
  const homes = weights.flatMap(({ value }, i): [Value, BufferRef][] => {
    const gradient = gradients.get(value);
    return gradient ? [[gradient, gradientPlace(layout, layout.weights[i]!)]] : [];
  });
  const length = layout.trainable.bytes / realBytes;
  const blocks = [layout.trainable, layout.gradients, ...layout.slots].map((block, i): [Value, BufferRef] => {
    const value = graph.value({ label: `block ${i}`, shape: [length], batched: false, type: 'real', role: 'parameter' });
    return [value, bufferRef(value, block.byteOffset, { batchSize: 1, realBytes })];
  });
  const buffers = blocks.map(([value]) => value);
  const dims = [fixed(length)];
  return {
    calls: [
      ...outputs.map(({ built: { perVector } }) => guard(perVector, 'loss')),
      ...calls,
      ...penaltyGradients(weights, gradients),
      guard(buffers[1]!, 'gradient'),
      ...(clips ? clipCalls(clips, buffers[1]!, [...gradients.values()]) : []),
      {
        kernel: update.kernel,
        buffers,
        dims,
        scalars: update.scalars,
        writes: buffers.map((_, i) => i).filter((i) => i !== 1),
        layer: 'update',
      },
      // Running statistics too only after the guards, so that a bad batch leaves them as they were.
      ...nodes.flatMap((node) => stateUpdateCalls(node)),
    ],
    homes: [...homes, ...blocks],
  };
}

function guard(value: Value, layer: 'loss' | 'gradient'): Call {
  return { kernel: 'guard_finite', buffers: [value], dims: [elementsOf(value)], scalars: [], writes: [], layer };
}

/** A penalised weight that the loss does not depend on has no gradient, so it stays as it is. */
function penaltyGradients(weights: readonly NetworkWeight[], gradients: ReadonlyMap<Value, Value>): Call[] {
  return weights.flatMap(({ value, regularizer }): Call[] => {
    const gradient = gradients.get(value);
    if (!gradient || !regularizer) return [];
    const scalars = [regularizer.l1, regularizer.l2];
    const buffers = [value, gradient];
    return [{ kernel: 'add_penalty_gradient', buffers, dims: [elementsOf(value)], scalars, writes: [1], layer: value.label }];
  });
}

/** `all` is the block of all gradients, padding included. */
export function clipCalls({ value, norm, globalNorm }: Clips, all: Value, each: readonly Value[]): Call[] {
  const clip = (kernel: 'clip_value' | 'clip_norm', gradient: Value, limit: number): Call => {
    return { kernel, buffers: [gradient], dims: [elementsOf(gradient)], scalars: [limit], writes: [0], layer: 'clip' };
  };
  return [
    ...(value === null ? [] : [clip('clip_value', all, value)]),
    ...(norm === null ? [] : each.map((gradient) => clip('clip_norm', gradient, norm))),
    ...(globalNorm === null ? [] : [clip('clip_norm', all, globalNorm)]),
  ];
}
