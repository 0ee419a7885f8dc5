import type { Fault } from '../faults.ts';
import type { CheckedLayer } from './check-layer.ts';

/** Names for all layers: given ones as they are, the others after their type (`dense`, `dense_1`, …), and a fault for every repeated one. */
export function nameLayers(
  layers: readonly CheckedLayer[],
  inputNames: readonly string[],
): { names: readonly string[]; faults: readonly Fault[] } {
  const given = new Set([...inputNames, ...layers.flatMap(({ name }) => name ?? [])]);
  const used = new Set<string>(inputNames);
  const counts = new Map<string, number>();
  const faults: Fault[] = [];

  const names = layers.map(({ name, known, pointer }) => {
    const base = name ?? known?.definition.type ?? 'layer';
    const repeated = name !== null && used.has(name);
    const chosen = name !== null && !repeated ? name : nextFree(base, counts, repeated ? given : new Set([...given, ...used]));
    if (repeated) faults.push(duplicateName(pointer, base, chosen));
    used.add(chosen);
    given.add(chosen);
    return chosen;
  });
  return { names, faults };
}

/** `base`, `base_1`, … counted per base, passing over names that are taken. */
function nextFree(base: string, counts: Map<string, number>, taken: ReadonlySet<string>): string {
  for (let count = counts.get(base) ?? 0; ; count += 1) {
    const candidate = count === 0 ? base : `${base}_${count}`;
    if (taken.has(candidate)) continue;
    counts.set(base, count + 1);
    return candidate;
  }
}

function duplicateName(pointer: string, name: string, free: string): Fault {
  return {
    pointer: `${pointer}/name`,
    code: 'duplicate_name',
    detail: `The name ${JSON.stringify(name)} is taken by an input or an earlier layer.`,
    received: name,
    suggestion: [{ op: 'replace', path: `${pointer}/name`, value: free }],
  };
}
