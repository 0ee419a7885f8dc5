import type { Backend, RunResult, Session } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { seedWords } from '../random.ts';
import type { Feed } from './feeds.ts';
import { findNonFinite } from './find-non-finite.ts';
import { type GatheredRows, gatherRows, type Results, readResults } from './results.ts';
import type { Divergence, TrainRequest } from './training.ts';

/** How an epoch or an evaluation ended; names without a prefix. */
export type PartResult =
  | ({ readonly end: 'done' } & Results)
  | { readonly end: 'stopped' }
  | { readonly end: 'divergence'; readonly divergence: Divergence };

/** A job's programs with their memory. */
export interface Compiled {
  readonly request: TrainRequest;
  readonly plan: TrainingPlan;
  readonly backend: Backend;
  readonly arena: ArrayBuffer;
  readonly feeds: readonly Feed[];
  readonly sessions: Readonly<Record<Side, Session>>;
}

type Side = 'training' | 'evaluation';

export interface Part {
  readonly side: Side;
  readonly order: Int32Array;
  readonly firstStep: number;
  /** One per step; none for an evaluation. */
  readonly learningRates: Float64Array;
}

/**
 * All batches of a part in one call of the backend, which looks at the stop flag before each step; or in one call per batch, when
 * a metric needs the predictions of all rows.
 */
export function runPart(compiled: Compiled, part: Part): PartResult {
  const { plan, arena, feeds, request } = compiled;
  new Uint8Array(arena, plan.accumulators.byteOffset, plan.accumulators.bytes).fill(0);
  const gathered = gatherRows(plan, part.side, { arena, feeds, order: part.order });
  const result = gathered ? runGathering(compiled, part, gathered) : runRange(compiled, part, 0, part.order.length);
  if (result.nonFinite !== null) return { end: 'divergence', divergence: explain(compiled, part, result) };
  if (Atomics.load(request.control, CONTROL.stop) !== 0) return { end: 'stopped' };
  const units = { std: request.data.targetStd, mean: request.data.targetMean };
  return { end: 'done', ...readResults(plan, arena, units, gathered) };
}

function runRange({ request, sessions, feeds, plan }: Compiled, part: Part, from: number, to: number): RunResult {
  const firstBatch = from / plan[part.side].batchSize;
  return sessions[part.side].run({
    feeds,
    order: part.order,
    from,
    to,
    firstStep: part.firstStep + firstBatch,
    learningRates: part.learningRates.subarray(firstBatch),
    seed: seedWords(request.training.seed),
    control: request.control,
  });
}

function runGathering(compiled: Compiled, part: Part, gathered: GatheredRows): RunResult {
  const { batchSize } = compiled.plan[part.side];
  const { length } = part.order;
  for (let from = 0; from < length; from += batchSize) {
    const to = Math.min(from + batchSize, length);
    const { steps, nonFinite } = runRange(compiled, part, from, to);
    if (nonFinite !== null || steps === 0) return { steps: from / batchSize, nonFinite };
    gathered.take(from, to - from);
  }
  return { steps: Math.ceil(length / batchSize), nonFinite: null };
}

const ROWS_NAMED = 10;

function explain({ plan, backend, arena, feeds, request }: Compiled, part: Part, { steps, nonFinite }: RunResult): Divergence {
  const losses = plan.step.side.outputs.length;
  const guards = plan.training.commands.flatMap(({ kernel }, i) => (kernel === 'guard_finite' ? [i] : []));
  const step = part.firstStep + steps;
  const what = guards.indexOf(nonFinite!) < losses ? 'loss' : 'gradient';
  const { batchSize } = plan.training;
  const batchRows = part.order.subarray(steps * batchSize, (steps + 1) * batchSize);
  const found = findNonFinite({ plan, backend, arena, feeds, batchRows, number: step, seed: seedWords(request.training.seed) });
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
