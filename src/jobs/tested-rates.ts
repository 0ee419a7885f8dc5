import { finiteNumbers } from '../lib/finite-json.ts';
import type { TestedRates } from '../training/run-training.ts';
import type { ClaimedJob, JobSuccess } from './execution-store.ts';
import type { JobProgress } from './job-store.ts';
import { receiptOf } from './trained-model.ts';

/** What a range test leaves behind: the losses over the rates, and the rate they suggest. */
export function testedRates(input: {
  readonly job: ClaimedJob;
  readonly tested: TestedRates;
  readonly progress: JobProgress;
  readonly datasetSha256: string;
}): JobSuccess {
  const { points, suggested_learning_rate, stop_reason, backend } = input.tested.rates;
  return {
    stopReason: 'completed',
    progress: input.progress,
    result: {
      learning_rates: points.map(({ learning_rate, loss, smoothed_loss }) => finiteNumbers({ learning_rate, loss, smoothed_loss })),
      suggested_learning_rate,
      diverged: stop_reason === 'diverged',
    },
    receipt: receiptOf({ ...input, backend, learningRate: suggested_learning_rate }),
  };
}
