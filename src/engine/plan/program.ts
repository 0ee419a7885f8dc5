import type { BufferRef, Command, Program } from '../backends/backend.ts';
import type { Value } from '../graph/value.ts';
import { storageOf } from '../graph/value.ts';
import type { Call } from '../ops/op.ts';

/** Turns calls over values into commands over places. */
export function assembleProgram(
  calls: readonly Call[],
  places: ReadonlyMap<Value, BufferRef>,
  { arenaBytes, batchSize }: { readonly arenaBytes: number; readonly batchSize: number },
): Program {
  const commands = calls.map(
    (call): Command => ({
      kernel: call.kernel,
      buffers: call.buffers.map((value) => (value ? placeOf(value, places) : null)),
      dims: call.dims,
      scalars: call.scalars,
    }),
  );
  return { commands, arenaBytes, batchSize };
}

function placeOf(value: Value, places: ReadonlyMap<Value, BufferRef>): BufferRef {
  const place = places.get(storageOf(value));
  if (!place) throw new Error(`${value.label} is read but nothing writes it`);
  return place;
}
