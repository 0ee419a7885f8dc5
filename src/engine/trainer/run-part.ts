import type { Backend, Bound, RunResult, Session } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { seedWords } from '../random.ts';
import type { PlacedRows } from './feeds.ts';
import { findNonFinite } from './find-non-finite.ts';
import { type GatheredRows, gatherRows, type Results, readResults } from './results.ts';
import type { RowFeeds } from './row-feeds.ts';
import type { Divergence, TrainRequest } from './training.ts';

/** How an epoch or an evaluation ended; names without a prefix. */
export type PartResult =
  | ({ readonly end: 'done' } & Results)
  | { readonly end: 'stopped' }
  /** Its explanation takes the memory of the programs, of which nothing but the weights is left then: nothing runs after it. */
  | { readonly end: 'divergence'; readonly explain: () => Divergence };

/** A job's programs with their memory. */
export interface Compiled extends Pick<Bound, 'arena' | 'release' | 'rebind'> {
  readonly request: TrainRequest;
  readonly plan: TrainingPlan;
  readonly backend: Backend;
  readonly rows: RowFeeds;
  readonly sessions: Readonly<Record<Side, Session>>;
}

type Side = 'training' | 'evaluation';

export interface Part {
  readonly side: Side;
  /** Row numbers of the data. */
  readonly order: Int32Array;
  readonly firstStep: number;
  /** One per step; none for an evaluation. */
  readonly learningRates: Float64Array;
}

/** All batches of a part, in the order given. */
export function runPart(compiled: Compiled, part: Part): PartResult {
  const { plan, arena, request } = compiled;
  new Uint8Array(arena, plan.accumulators.byteOffset, plan.accumulators.bytes).fill(0);
  const gathered = gatherRows(plan, part.side, { arena, rows: part.order.length });
  const result = runSlices(compiled, part, gathered);
  if (result.nonFinite !== null) return { end: 'divergence', explain: () => explain(compiled, part, result) };
  if (Atomics.load(request.control, CONTROL.stop) !== 0) return { end: 'stopped' };
  const { targetStd, targetMean, targetLevels, furtherUnits = [] } = request.data;
  const levels = targetLevels && (() => targetLevels(part.order));
  const units = [{ std: targetStd, mean: targetMean, levels }, ...furtherUnits];
  return { end: 'done', ...readResults(plan, arena, units, gathered) };
}

/**
 * As many whole batches at once as there are rows at hand: rows that are held make one slice. Sums go on from slice to slice, and
 * a step knows its number, so that where slices end changes no bit.
 */
function runSlices(compiled: Compiled, part: Part, gathered: GatheredRows | null): RunResult {
  const { plan, rows } = compiled;
  const { batchSize } = plan[part.side];
  const sliceRows = Math.max(1, Math.floor(rows.rowsAtOnce / batchSize)) * batchSize;
  for (let from = 0; from < part.order.length; from += sliceRows) {
    const slice = rows.place(part.order.subarray(from, from + sliceRows));
    const stepsBefore = from / batchSize;
    const { steps, nonFinite } = gathered
      ? runGathering(compiled, part, slice, { gathered, at: from })
      : runSteps(compiled, part, slice, stepsBefore);
    if (nonFinite !== null || steps * batchSize < slice.order.length) return { steps: stepsBefore + steps, nonFinite };
  }
  return { steps: Math.ceil(part.order.length / batchSize), nonFinite: null };
}

/** One call of the backend, which looks at the stop flag before each step. */
function runSteps({ request, sessions }: Compiled, part: Part, { feeds, order }: PlacedRows, stepsBefore: number): RunResult {
  return sessions[part.side].run({
    feeds,
    order,
    from: 0,
    to: order.length,
    firstStep: part.firstStep + stepsBefore,
    learningRates: part.learningRates.subarray(stepsBefore),
    seed: seedWords(request.training.seed),
    control: request.control,
  });
}

/** One call per batch, for metrics that need the predictions of all rows. `at`: position of the slice in the part. */
function runGathering(
  compiled: Compiled,
  part: Part,
  { feeds, order }: PlacedRows,
  { gathered, at }: { readonly gathered: GatheredRows; readonly at: number },
): RunResult {
  const { batchSize } = compiled.plan[part.side];
  for (let from = 0; from < order.length; from += batchSize) {
    const batch = { feeds, order: order.subarray(from, from + batchSize) };
    const { steps, nonFinite } = runSteps(compiled, part, batch, (at + from) / batchSize);
    if (nonFinite !== null || steps === 0) return { steps: from / batchSize, nonFinite };
    gathered.take(at + from, batch);
  }
  return { steps: Math.ceil(order.length / batchSize), nonFinite: null };
}

const ROWS_NAMED = 10;

function explain({ plan, rebind, rows, request }: Compiled, part: Part, { steps, nonFinite }: RunResult): Divergence {
  const losses = plan.step.side.outputs.length;
  const guards = plan.training.commands.flatMap(({ kernel }, i) => (kernel === 'guard_finite' ? [i] : []));
  const step = part.firstStep + steps;
  const what = guards.indexOf(nonFinite!) < losses ? 'loss' : 'gradient';
  const { batchSize } = plan.training;
  const batchRows = part.order.subarray(steps * batchSize, (steps + 1) * batchSize);
  const found = findNonFinite({
    plan,
    rebind,
    placed: rows.place(batchRows),
    batchRows,
    number: step,
    seed: seedWords(request.training.seed),
  });
  const origin = found ? ` The first such value is in ${found.tensor} of ${found.layer}, ${wordsForRows(found.rows)}.` : '';
  return {
    step,
    detail: `The ${what} of update ${step + 1} is not finite; the weights are those before it.${origin}`,
    layer: found?.layer ?? null,
    tensor: found?.tensor ?? null,
    rows: found?.rows ?? [...batchRows],
  };
}

function wordsForRows(rows: readonly number[]): string {
  const named = rows.slice(0, ROWS_NAMED).join(', ');
  const more = rows.length - ROWS_NAMED;
  return `${rows.length === 1 ? 'row' : 'rows'} ${named}${more > 0 ? ` and ${more} more` : ''}`;
}
