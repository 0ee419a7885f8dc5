import type { Bound } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import { viewOf } from '../backends/reference.ts';
import { storageOf, type Value } from '../graph/value.ts';
import type { Call } from '../ops/op.ts';
import { elementsOf } from '../ops/op.ts';
import { placeValues } from '../plan/placement.ts';
import { assembleProgram } from '../plan/program.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { weightsBlock } from '../plan/weights-layout.ts';
import { sizeOf } from '../shape.ts';
import type { PlacedRows } from './feeds.ts';

/** The step that ended at a guard. The weights in the arena are still those before it. */
export interface BrokenStep {
  readonly plan: TrainingPlan;
  readonly rebind: Bound['rebind'];
  readonly placed: PlacedRows;
  /** Their numbers in the data. */
  readonly batchRows: Int32Array;
  readonly number: number;
  readonly seed: readonly [number, number];
}

export interface NonFinite {
  readonly layer: string;
  readonly tensor: string;
  readonly rows: readonly number[];
}

/**
 * Where the first non-finite value of a step came from. Values share memory, so what the step left behind says little: it is run
 * again in the same arena with a guard behind every call, up to the first that strikes. The same numbers come out, because a step is a
 * function of weights, rows, seed and number.
 */
export function findNonFinite({ plan, rebind, placed, batchRows, number, seed }: BrokenStep): NonFinite | null {
  const { step, training } = plan;
  const end = step.calls.findIndex(({ layer }) => layer === 'update');
  const guarded = step.calls.slice(0, end).filter(({ kernel }) => kernel !== 'guard_finite');
  const checks = guarded.flatMap((call) => [{ call, value: null }, ...writtenReals(call).map((value) => ({ call, value }))]);
  const calls = checks.map(({ call, value }) => (value ? guardOf(value, call.layer) : call));
  const { places, to } = placeValues({ calls, homes: step.homes, kept: [], from: step.from, batchSize: training.batchSize, realBytes: 4 });
  const program = assembleProgram(calls, places, { arenaBytes: to, batchSize: training.batchSize });
  const { byteOffset, bytes } = weightsBlock(plan.layout);
  const { arena, sessions } = rebind(program, byteOffset + bytes);
  const { nonFinite } = sessions[0]!.run({
    ...placed,
    from: 0,
    to: batchRows.length,
    firstStep: number,
    learningRates: new Float64Array(0),
    seed,
    control: new Int32Array(CONTROL.words),
  });
  const found = nonFinite === null ? null : checks[nonFinite];
  if (!found?.value) return null;
  const numbers = viewOf(places.get(storageOf(found.value))!, arena);
  return { layer: found.call.layer, tensor: found.value.label, rows: rowsWithNonFinite(found.value, numbers, batchRows) };
}

function writtenReals({ buffers, writes }: Call): Value[] {
  return writes.flatMap((position) => buffers[position] ?? []).filter(({ type }) => type === 'real');
}

function guardOf(value: Value, layer: string): Call {
  const { size, perRow } = elementsOf(value);
  const dims = [{ size: size * (value.rowsPerRow ?? 1), perRow }];
  return { kernel: 'guard_finite', buffers: [value], dims, scalars: [], writes: [], layer };
}

/** A value that belongs to no single row comes from all of the batch. */
function rowsWithNonFinite(value: Value, numbers: ArrayLike<number>, batchRows: Int32Array): number[] {
  if (!value.batched) return [...batchRows];
  const size = sizeOf(value.shape) * (value.rowsPerRow ?? 1);
  return [...batchRows].filter((_, row) => {
    for (let i = row * size; i < (row + 1) * size; i += 1) if (!Number.isFinite(numbers[i]!)) return true;
    return false;
  });
}
