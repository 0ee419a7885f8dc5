import type { Fault } from '../faults.ts';
import type { SpecForm } from './check-layer.ts';
import { checkOutputRank, checkTarget } from './check-target.ts';
import type { DataSignature, TargetSignature } from './model-spec.ts';
import type { NetworkEnd } from './network-ends.ts';

interface EndsCheck {
  readonly ends: readonly NetworkEnd[];
  readonly data: DataSignature;
  readonly form: SpecForm;
  readonly layerCount: number;
}

/** Whether the outputs fit the targets, which they meet in order. */
export function checkEnds({ ends, data, form, layerCount }: EndsCheck): Fault[] {
  const targets = targetsOf(data);
  if (ends.length !== targets.length) {
    const detail = `The network has ${ends.length} outputs, the data has ${targets.length} target${targets.length === 1 ? '' : 's'}.`;
    return [{ pointer: '/outputs', code: 'target_mismatch', detail, expected: targets.length, received: ends.length }];
  }
  const faults = ends.flatMap((end, i) => endFaults(end, targets[i]!));
  return form === 'sequential' ? faults : faults.map((fault) => inGraph(fault, layerCount));
}

export function targetsOf({ target, targets }: DataSignature): readonly TargetSignature[] {
  return targets ?? [target];
}

function endFaults({ chain, end }: NetworkEnd, target: TargetSignature): Fault[] {
  return [...checkOutputRank(chain, target), ...(end ? checkTarget(end, target) : [])];
}

/** A layer put into a list says nothing of what feeds it: a graph cannot be mended by that. */
function inGraph({ suggestion, ...fault }: Fault, layerCount: number): Fault {
  const layerPaths = new Set(['/layers/-', ...Array.from({ length: layerCount }, (_, i) => `/layers/${i}`)]);
  const fits = suggestion?.every(({ op, path }) => !(op !== 'replace' && layerPaths.has(path)));
  return fits ? { ...fault, suggestion: suggestion! } : fault;
}
