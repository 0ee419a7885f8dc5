/*
 * Whether the state of one training can be gone on from by another: its tensors must be the same ones.
 */

import type { Fault } from '../faults.ts';
import { GraphBuilder } from '../graph/graph.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import type { OptimizerDefinition } from '../optimizers/optimizer.ts';
import { sameShape } from '../shape.ts';
import { buildNetwork, type NetworkWeight } from './build-graph.ts';
import type { ModelSpec } from './model-spec.ts';

/** What the tensors of a state depend on. Spec and optimizer have passed their checks. */
export interface Resumable {
  readonly spec: ModelSpec;
  readonly optimizer: { readonly type: string };
}

/** Everything of `next` that a state of `before` does not fit, with pointers into `{spec, training}`. */
export function resumeFaults(before: Resumable, next: Resumable): Fault[] {
  return [...weightFaults(before.spec, next.spec), ...optimizerFaults(before.optimizer, next.optimizer)];
}

function weightFaults(before: ModelSpec, next: ModelSpec): Fault[] {
  const kept = weightsOf(before);
  const wanted = weightsOf(next);
  const faults = [...wanted.values()].flatMap((weight) => weightFault(weight, kept.get(weight.name), next));
  const dropped = [...kept.keys()].filter((name) => !wanted.has(name));
  const lost = dropped.map((name) => ({
    pointer: '/spec/layers',
    code: 'state_mismatch',
    detail: `The checkpoint holds ${name}, which the network has no longer.`,
    received: name,
  }));
  const isReordered = faults.length + lost.length === 0 && [...kept.keys()].join() !== [...wanted.keys()].join();
  const order = { pointer: '/spec/layers', code: 'state_mismatch', detail: 'The checkpoint holds the same weights in another order.' };
  return [...faults, ...lost, ...(isReordered ? [order] : [])];
}

function weightsOf(spec: ModelSpec): Map<string, NetworkWeight> {
  return new Map(buildNetwork(spec, new GraphBuilder('inference')).weights.map((weight) => [weight.name, weight]));
}

function weightFault({ name, shape, trainable }: NetworkWeight, kept: NetworkWeight | undefined, { layers }: ModelSpec): Fault[] {
  const layer = layers.findIndex((candidate) => name.startsWith(`${candidate.name}/`));
  const at = { pointer: layer < 0 ? '/spec/layers' : `/spec/layers/${layer}`, code: 'state_mismatch' };
  if (kept === undefined) return [{ ...at, detail: `The checkpoint holds no ${name}.`, received: shape }];
  if (!sameShape(kept.shape, shape)) {
    const detail = `The checkpoint holds ${name} of shape [${kept.shape.join(', ')}]; here it has the shape [${shape.join(', ')}].`;
    return [{ ...at, detail, expected: kept.shape, received: shape }];
  }
  if (kept.trainable === trainable) return [];
  return [
    {
      ...at,
      detail: `The checkpoint was made with ${name} ${kept.trainable ? 'learning' : 'frozen'}.`,
      expected: kept.trainable,
      received: trainable,
    },
  ];
}

/** An optimizer's slots mean nothing to another one. */
function optimizerFaults(before: Resumable['optimizer'], next: Resumable['optimizer']): Fault[] {
  const [kept, wanted] = [slotsOf(before), slotsOf(next)];
  if (before.type === next.type && kept === wanted) return [];
  if (kept === 0 && wanted === 0) return [];
  const differs = before.type === next.type ? `keeps ${kept} values per weight, not ${wanted}` : `was made by ${before.type}`;
  const pointer = before.type === next.type ? '/training/optimizer' : '/training/optimizer/type';
  return [{ pointer, code: 'state_mismatch', detail: `The checkpoint ${differs}.`, expected: before.type, received: next.type }];
}

function slotsOf(optimizer: Resumable['optimizer']): number {
  const found = Object.entries(OPTIMIZERS).find(([type]) => type === optimizer.type);
  if (found === undefined) throw new Error(`There is no optimizer ${optimizer.type}: the request was not checked`);
  const definition: OptimizerDefinition = found[1];
  return definition.slots(optimizer);
}
