import { CONTROL } from '../backends/backend.ts';
import { type LearningRateRange, type RangeTestResult, sweepLearningRates } from './learning-rate-sweep.ts';
import type { TrainRequest } from './training.ts';
import { compile } from './training-run.ts';
import { firstWeights } from './weights-memory.ts';

/** What a range test as a job of its own has come to. */
export interface TestedLearningRates extends RangeTestResult {
  /** The variant of the backend that ran it. */
  readonly backend: string;
}

/** Sweeps the learning rate over the first weights of a network. Nothing of it is kept but the curve. */
export function testLearningRates(request: TrainRequest, range: LearningRateRange): TestedLearningRates {
  const compiled = compile(request);
  const { plan, arena, backend } = compiled;
  firstWeights({ weights: plan.weights, layout: plan.layout, arena }, request);
  const swept = sweepLearningRates(compiled, range, () => Atomics.add(request.control, CONTROL.steps, 1));
  compiled.release();
  return { ...swept, backend: backend.variant };
}
