import { BlobError } from '../blobs/blob-store.ts';
import { AppError } from '../errors.ts';
import { machineFault } from '../lib/machine-fault.ts';
import type { TrainFailed, TrainFinished, TrainYielded } from '../threads/protocol.ts';
import type { TestedRates, TrainedNetwork } from '../training/run-training.ts';
import { DeterminismError } from './epoch-commit.ts';
import type { LogLine } from './job-log.ts';
import type { StopReason } from './job-state.ts';
import type { JobFailure, JobWish } from './lifecycle/job-life.ts';

/** Why a worker stops a training before its own end. */
export type StopCause = JobWish | 'lease_lost' | 'release' | 'time_limit';

/** What becomes of a job after its training. */
export type JobOutcome =
  | { readonly kind: 'succeeded'; readonly stopReason: StopReason; readonly trained: TrainedNetwork }
  | { readonly kind: 'tested'; readonly stopReason: StopReason; readonly tested: TestedRates }
  | Unsuccessful;

export type Unsuccessful =
  | { readonly kind: 'failed'; readonly stopReason: StopReason; readonly error: JobFailure }
  | { readonly kind: 'left'; readonly stopReason: 'cancelled' | 'user_stop' }
  | { readonly kind: 'released' }
  /** The worker's machine refused something, such as room on its disk: another worker may do it, or this one later. */
  | { readonly kind: 'machine_fault'; readonly code: string }
  | { readonly kind: 'lost' };

/** What a user is told when it is not their doing; the log has the rest. */
const BROKEN: JobFailure = {
  code: 'internal',
  detail: 'The training broke on our side.',
  errors: [],
  hint: 'Posting the job again may help; if it does not, please report it.',
};

/**
 * Puts together how the training ended and why it was told to stop, if it was. One that reached its end before it saw the
 * request has won the race, except against a lost lease and a cancellation: with either, epochs are no longer stored.
 */
export function outcomeOf(end: TrainFinished | TrainFailed | TrainYielded, cause: StopCause | null): JobOutcome {
  if (cause === 'lease_lost') return { kind: 'lost' };
  if (cause === 'cancel') return { kind: 'left', stopReason: 'cancelled' };
  if (end.type === 'yielded') return { kind: 'released' };
  if (end.type === 'failed') return threadFailed(end, cause);
  if (isLeft(end.trained)) return leftAtRequest(end.trained, cause);
  return 'rates' in end.trained ? rangeTested(end.trained) : trainerEnded(end.trained, cause);
}

function threadFailed({ refusal, machineFault: code }: TrainFailed, cause: StopCause | null): Unsuccessful {
  if (cause === 'release' || cause === 'pause') return { kind: 'released' };
  if (refusal !== null) return { kind: 'failed', stopReason: 'error', error: { ...refusal, hint: null } };
  return code !== null && cause !== 'time_limit' ? { kind: 'machine_fault', code } : withoutResult(cause);
}

/** A training that is to conclude has left only if it was told to leave before: whoever takes it up next concludes it. */
function leftAtRequest(trained: TrainedNetwork | TestedRates, cause: StopCause | null): Unsuccessful {
  if ('rates' in trained && cause === 'stop') return STOPPED_EARLY;
  if (cause === null || ('rates' in trained && cause === 'time_limit')) return withoutResult(cause);
  return { kind: 'released' };
}

function withoutResult(cause: StopCause | null): Unsuccessful {
  if (cause === 'time_limit') return timeIsUp('limits.max_seconds passed, and the training did not come to a result soon after.');
  return { kind: 'failed', stopReason: 'error', error: BROKEN };
}

/** What becomes of a job whose attempt broke outside of its training: its data was read, or what it had learned was stored. */
export function outcomeOfError(error: unknown, cause: StopCause | null): Unsuccessful {
  // What was read for it is not wanted any more.
  if (error instanceof Error && error.name === 'AbortError') return { kind: 'released' };
  const code = machineFault(error);
  if (code !== null && cause === 'time_limit')
    return timeIsUp(`limits.max_seconds passed on a worker whose machine has a fault (${code}).`);
  if (code !== null) return { kind: 'machine_fault', code };
  const stopReason = error instanceof DeterminismError ? 'determinism_violation' : 'error';
  return { kind: 'failed', stopReason, error: failureOf(error) ?? BROKEN };
}

/** Whether the thread left at a request, with nothing to show for it. A range test has nothing to show before its end. */
function isLeft(trained: TrainedNetwork | TestedRates): boolean {
  return 'rates' in trained ? trained.rates.stop_reason === 'stopped' : trained.result.stop_reason === 'abandoned';
}

function rangeTested(tested: TestedRates): JobOutcome {
  return { kind: 'tested', stopReason: 'completed', tested };
}

function trainerEnded(trained: TrainedNetwork, cause: StopCause | null): JobOutcome {
  const { stop_reason: stopReason, divergence, best } = trained.result;
  switch (stopReason) {
    case 'completed':
    case 'early_stopping':
    case 'not_separable':
      return { kind: 'succeeded', stopReason, trained };
    case 'concluded':
      // Kept if a whole epoch was learned.
      if (cause === 'stop') return best === null ? STOPPED_EARLY : { kind: 'succeeded', stopReason: 'user_stop', trained };
      if (best === null) return timeIsUp('limits.max_seconds passed before the first epoch was done.');
      return { kind: 'succeeded', stopReason: 'time_limit', trained };
    case 'divergence': {
      const detail = divergence?.detail ?? 'A value of the training became infinite or not a number.';
      const errors = divergence === undefined ? [] : [{ code: 'divergence', ...divergence }];
      return {
        kind: 'failed',
        stopReason,
        error: { code: 'divergence', detail, errors, hint: 'A smaller learning rate keeps the loss finite.' },
      };
    }
    case 'abandoned':
      throw new Error('an abandoned training has no result');
    default:
      return stopReason satisfies never;
  }
}

/** There is nothing yet that a stop could keep. */
const STOPPED_EARLY: Unsuccessful = { kind: 'left', stopReason: 'user_stop' };

function timeIsUp(detail: string): Unsuccessful {
  return { kind: 'failed', stopReason: 'time_limit', error: { code: 'time_limit', detail, errors: [], hint: 'Allow more time.' } };
}

/** The last line an attempt leaves in the log of its job. */
export function endLine(outcome: Exclude<JobOutcome, { kind: 'lost' }>, epoch: number): LogLine {
  switch (outcome.kind) {
    case 'succeeded':
    case 'tested':
      return { level: 'info', message: `The job has ended after epoch ${epoch}: ${outcome.stopReason}.` };
    case 'failed':
      return { level: 'error', message: outcome.error.detail };
    case 'left':
      return { level: 'info', message: `The job was left after epoch ${epoch}: ${outcome.stopReason}.` };
    case 'released':
      return { level: 'info', message: `The worker gives the job back after epoch ${epoch}.` };
    case 'machine_fault':
      return { level: 'warn', message: `The worker's machine has a fault (${outcome.code}): it gives the job back.` };
    default:
      return outcome satisfies never;
  }
}

/** The failure a user is told for an error with a public face; null for all others. */
function failureOf(error: unknown): JobFailure | null {
  if (error instanceof AppError) return { code: error.code, detail: error.message, errors: error.options.errors ?? [], hint: null };
  if (error instanceof DeterminismError) {
    const detail = `Epoch ${error.epoch}, computed again after an interruption, came out different from before.`;
    const hint =
      'A retry goes on from the newest checkpoint, without the epochs after it. If it happens again, its machine may compute wrong.';
    return { code: 'determinism_violation', detail, errors: [], hint };
  }
  if (error instanceof BlobError) {
    return { code: 'storage_damaged', detail: 'Stored bytes this job needs are damaged.', errors: [], hint: null };
  }
  return null;
}
