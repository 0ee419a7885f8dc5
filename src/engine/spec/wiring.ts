/*
 * Which tensor feeds which layer: both forms of a spec as one list of uses per layer, and an order in which they can run.
 * Faults are collected, so that the check can report them all; the build of a checked spec has none.
 */
import type { Fault } from '../faults.ts';
import { pointerTo } from '../json-schema.ts';
import { nearest } from '../nearest.ts';

/** One tensor: an input of the network, or an output of a layer. */
export interface Source {
  readonly from: 'input' | 'layer';
  readonly index: number;
  /** Position among the outputs of all uses of the layer. */
  readonly output: number;
  /** Where the spec says so. */
  readonly pointer: string;
}

/** References as they stand in a spec; null where they could not be read. */
export interface WiringRequest {
  /** Null for the sequential form, where each layer feeds the next. */
  readonly inputNames: readonly string[] | null;
  readonly layers: readonly { readonly name: string; readonly inbound: Inbound | null }[];
  readonly outputs: readonly string[] | null;
}

export type Inbound = readonly string[] | readonly (readonly string[])[];

export interface Wiring {
  /** Per layer its uses, per use its sources; null for one that could not be made out. */
  readonly uses: readonly (readonly (readonly (Source | null)[])[])[];
  /** Layers in an order in which they can run: the order of the spec, where that is one. Layers of a cycle are missing. */
  readonly order: readonly number[];
  readonly outputs: readonly (Source | null)[];
  readonly faults: readonly Fault[];
}

export function wireLayers(request: WiringRequest): Wiring {
  return request.inputNames === null ? wireSequence(request.layers.length) : wireGraph(request, request.inputNames);
}

function wireSequence(count: number): Wiring {
  const before = (index: number): Source =>
    index === 0
      ? { from: 'input', index: 0, output: 0, pointer: '/input_shape' }
      : { from: 'layer', index: index - 1, output: 0, pointer: `/layers/${index - 1}` };
  const all = Array.from({ length: count }, (_, index) => index);
  return { uses: all.map((index) => [[before(index)]]), order: all, outputs: [before(count)], faults: [] };
}

function wireGraph({ layers, outputs }: WiringRequest, inputNames: readonly string[]): Wiring {
  const faults: Fault[] = [];
  const tensors = new Map<string, Pick<Source, 'from' | 'index'>>([
    ...layers.map(({ name }, index) => [name, { from: 'layer', index }] as const),
    ...inputNames.map((name, index) => [name, { from: 'input', index }] as const),
  ]);
  const resolve = (reference: string, pointer: string): Source | null => {
    const source = readReference(reference, tensors, pointer);
    if (source) return source;
    faults.push(unknownReference(reference, [...tensors.keys()], pointer));
    return null;
  };
  const uses = layers.map(({ inbound }, index) => resolveUses(inbound, `/layers/${index}/inbound`, resolve));
  const order = topologicalOrder(uses);
  const resolvedOutputs = (outputs ?? []).map((reference, i) => resolve(reference, `/outputs/${i}`));
  const cyclic = layers.map((_, index) => index).filter((index) => !order.includes(index));
  if (cyclic.length > 0) faults.push(cycleFault(cyclic, layers));
  const resolved = !uses.flat(2).includes(null) && !resolvedOutputs.includes(null);
  if (outputs !== null && cyclic.length === 0 && resolved)
    faults.push(...unusedFaults({ uses, outputs: resolvedOutputs, layers, inputNames }));
  return { uses, order, outputs: resolvedOutputs, faults };
}

function resolveUses(
  inbound: Inbound | null,
  pointer: string,
  resolve: (reference: string, pointer: string) => Source | null,
): (Source | null)[][] {
  if (inbound === null) return [[null]];
  if (!isNested(inbound)) return [inbound.map((reference, i) => resolve(reference, `${pointer}/${i}`))];
  return inbound.map((use, i) => use.map((reference, j) => resolve(reference, `${pointer}/${i}/${j}`)));
}

function isNested(inbound: Inbound): inbound is readonly (readonly string[])[] {
  return inbound.length > 0 && typeof inbound[0] !== 'string';
}

/** `name` or `name:output`. */
function readReference(reference: string, tensors: ReadonlyMap<string, Pick<Source, 'from' | 'index'>>, pointer: string): Source | null {
  const [, name = '', output = '0'] = /^([^:]*)(?::([0-9]+))?$/.exec(reference) ?? [];
  const tensor = tensors.get(name);
  return tensor && !(tensor.from === 'input' && output !== '0') ? { ...tensor, output: Number(output), pointer } : null;
}

/** The first layer of the spec that can run, again and again (Kahn 1962). What waits for something unknown counts as ready. */
function topologicalOrder(uses: Wiring['uses']): number[] {
  const waitsFor = uses.map((calls) => calls.flat().flatMap((source) => (source?.from === 'layer' ? [source.index] : [])));
  const order: number[] = [];
  const waiting = new Set(uses.keys());
  for (;;) {
    const next = [...waiting].find((index) => waitsFor[index]!.every((other) => !waiting.has(other)));
    if (next === undefined) return order;
    waiting.delete(next);
    order.push(next);
  }
}

function unknownReference(reference: string, names: readonly string[], pointer: string): Fault {
  const meant = nearest(reference, names);
  return {
    pointer,
    code: 'unknown_reference',
    detail: `There is no input or layer ${JSON.stringify(reference)}.${meant === undefined ? '' : ` Did you mean ${JSON.stringify(meant)}?`}`,
    expected: names,
    received: reference,
    ...(meant !== undefined && { suggestion: [{ op: 'replace', path: pointer, value: meant }] }),
  };
}

function cycleFault(cyclic: readonly number[], layers: WiringRequest['layers']): Fault {
  const names = cyclic.map((index) => layers[index]!.name);
  const detail = `These layers wait for each other, so none can run: ${names.join(', ')}.`;
  return { pointer: `/layers/${cyclic[0]}/inbound`, code: 'cycle', detail, received: names };
}

interface Wired extends Pick<Wiring, 'uses' | 'outputs'> {
  readonly layers: WiringRequest['layers'];
  readonly inputNames: readonly string[];
}

/** Layers and inputs that no output depends on. */
function unusedFaults({ uses, outputs, layers, inputNames }: Wired): Fault[] {
  const needed = new Set<string>();
  const open = [...outputs];
  for (let source = open.pop(); source; source = open.pop()) {
    const key = `${source.from} ${source.index}`;
    if (needed.has(key)) continue;
    needed.add(key);
    if (source.from === 'layer') open.push(...uses[source.index]!.flat());
  }
  const unusedLayers = layers.flatMap(({ name }, i) =>
    needed.has(`layer ${i}`) ? [] : [unusedFault('layer', name, pointerTo('/layers', i))],
  );
  const unusedInputs = inputNames.flatMap((name, i) =>
    needed.has(`input ${i}`) ? [] : [unusedFault('input', name, pointerTo('/inputs', i))],
  );
  return [...unusedInputs, ...unusedLayers];
}

function unusedFault(kind: string, name: string, pointer: string): Fault {
  return {
    pointer,
    code: 'unused_layer',
    detail: `No output depends on the ${kind} ${JSON.stringify(name)}.`,
    received: name,
    suggestion: [{ op: 'remove', path: pointer }],
  };
}
