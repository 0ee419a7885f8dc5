/*
 * Calls that one kernel can do in one pass over the memory: what writes a value, and the activation of that value. The numbers are the
 * same.
 */

import type { Value } from '../graph/value.ts';
import { storageOf } from '../graph/value.ts';
import { CELL_ACTIVATIONS } from '../ops/cell-activations.ts';
import type { Call } from '../ops/op.ts';

/** Kernels that have a form with an activation, told as the last scalar, and that form. What is activated is the first they write. */
const ACTIVATED: Readonly<Record<string, string>> = {
  dense: 'dense_activated',
  convolution: 'convolution_activated',
  normalize: 'normalize_activated',
};

const CODES: readonly string[] = CELL_ACTIVATIONS;

/** Joins calls whose value between them nobody else reads: no other call, no home (`homes`), and nobody after the step (`kept`). */
export function fuseCalls(
  calls: readonly Call[],
  { homes, kept }: { readonly homes: ReadonlyMap<Value, unknown>; readonly kept: readonly Value[] },
): Call[] {
  const uses = countUses(calls);
  const needed = new Set([...homes.keys(), ...kept.map(storageOf)]);
  const producers = new Map<Value, number>();
  const fused: (Call | null)[] = [...calls];
  calls.forEach((call, index) => {
    const [input] = call.buffers;
    const producer = input ? producers.get(storageOf(input)) : undefined;
    if (producer !== undefined && isActivation(call)) {
      fused[producer] = joined(calls[producer]!, call);
      fused[index] = null;
    }
    const written = call.buffers[call.writes[0]!];
    if (!(call.kernel in ACTIVATED) || !written) return;
    const value = storageOf(written);
    // Its own use and that of one reader.
    if (uses.get(value) === 2 && !needed.has(value)) producers.set(value, index);
  });
  return fused.flatMap((call) => call ?? []);
}

function joined(writer: Call, activation: Call): Call {
  return {
    ...writer,
    kernel: ACTIVATED[writer.kernel]!,
    buffers: writer.buffers.with(writer.writes[0]!, activation.buffers[1]!),
    scalars: [...writer.scalars, codeOf(activation)],
  };
}

/** Without scalars of its own: the functions in the list have fixed ones. */
function isActivation(call: Call): boolean {
  return codeOf(call) > 0 && call.scalars.length === 0;
}

function codeOf({ kernel }: Call): number {
  return CODES.indexOf(kernel);
}

function countUses(calls: readonly Call[]): Map<Value, number> {
  const uses = new Map<Value, number>();
  for (const { buffers } of calls) {
    for (const buffer of buffers) if (buffer) uses.set(storageOf(buffer), (uses.get(storageOf(buffer)) ?? 0) + 1);
  }
  return uses;
}
