import type { Backend } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import { viewOf } from '../backends/reference.ts';
import { storageOf, type Value } from '../graph/value.ts';
import type { Call } from '../ops/op.ts';
import { ARENA_START, bufferRef, bytesOf, placeValues } from '../plan/placement.ts';
import { assembleProgram } from '../plan/program.ts';

export interface Arithmetic {
  readonly backend: Backend;
  readonly batchSize: number;
  readonly realBytes: 4 | 8;
}

/** Places and runs calls once; the result reads the numbers of a value that was given or kept. */
export function runCalls(
  calls: readonly Call[],
  data: ReadonlyMap<Value, ArrayLike<number>>,
  kept: readonly Value[],
  arithmetic: Arithmetic,
): (value: Value) => number[] {
  const { backend, batchSize } = arithmetic;
  let from = ARENA_START;
  const homes = new Map(
    [...data.keys()].map((value) => {
      const place = bufferRef(value, from, arithmetic);
      from += bytesOf(value, arithmetic);
      return [value, place] as const;
    }),
  );
  const { places, to } = placeValues({ calls, homes, kept, from, ...arithmetic });
  const { arena, sessions } = backend.bind([assembleProgram(calls, places, { arenaBytes: to, batchSize })]);
  for (const [value, numbers] of data) viewOf(places.get(value)!, arena).set(numbers);
  sessions[0]!.run({
    feeds: [],
    order: Int32Array.from({ length: batchSize }, (_, i) => i),
    from: 0,
    to: batchSize,
    firstStep: 0,
    learningRates: new Float64Array(0),
    seed: [7, 11],
    control: new Int32Array(CONTROL.words),
  });
  return (value) => [...viewOf(places.get(storageOf(value))!, arena)];
}
