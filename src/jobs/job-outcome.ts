import { BlobError } from '../blobs/blob-store.ts';
import type { TrainResult } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { DeterminismError } from './epoch-commit.ts';
import type { JobFailure } from './job-ending.ts';
import type { StopReason } from './job-state.ts';

/** Why a worker stops a training before its own end. */
export type StopCause = 'lease_lost' | 'cancel' | 'release' | 'time_limit';

/** What becomes of a job after its training. */
export type JobOutcome =
  | { readonly kind: 'succeeded'; readonly stopReason: StopReason; readonly result: TrainResult }
  | { readonly kind: 'failed'; readonly stopReason: StopReason; readonly error: JobFailure }
  | { readonly kind: 'cancelled' | 'released' | 'lost' };

/** What a user is told when it is not their doing; the log has the rest. */
export const BROKEN: JobFailure = {
  code: 'internal',
  detail: 'The training broke on our side.',
  errors: [],
  hint: 'Posting the job again may help; if it does not, please report it.',
};

/**
 * Puts together how the trainer ended (`result` is null when its thread ended without one) and why it was told to stop, if
 * it was. A training that reached its end before it saw the flag has won the race, except against a lost lease.
 */
export function outcomeOf(result: TrainResult | null, cause: StopCause | null): JobOutcome {
  if (cause === 'lease_lost') return { kind: 'lost' };
  if (result !== null && result.stop_reason !== 'stopped') return trainerEnded(result, result.stop_reason);
  switch (cause) {
    case 'cancel':
      return { kind: 'cancelled' };
    case 'release':
      return { kind: 'released' };
    case 'time_limit':
      return timeIsUp(result);
    case null:
      return { kind: 'failed', stopReason: 'error', error: BROKEN };
    default:
      return cause satisfies never;
  }
}

function trainerEnded(result: TrainResult, stopReason: Exclude<TrainResult['stop_reason'], 'stopped'>): JobOutcome {
  if (stopReason !== 'divergence') return { kind: 'succeeded', stopReason, result };
  const where = result.divergence?.detail ?? 'A value of the training became infinite or not a number.';
  return {
    kind: 'failed',
    stopReason,
    error: { code: 'divergence', detail: where, errors: [], hint: 'A smaller learning rate keeps the loss finite.' },
  };
}

/** What was learned until now is kept, if a whole epoch was. */
function timeIsUp(result: TrainResult | null): JobOutcome {
  if (result !== null && result.best !== null) return { kind: 'succeeded', stopReason: 'time_limit', result };
  const detail = 'limits.max_seconds passed before the first epoch was done.';
  return { kind: 'failed', stopReason: 'time_limit', error: { code: 'time_limit', detail, errors: [], hint: 'Allow more time.' } };
}

/** The failure a user is told for an error with a public face; null for all others. */
export function failureOf(error: unknown): JobFailure | null {
  if (error instanceof AppError) return { code: error.code, detail: error.message, errors: error.options.errors ?? [], hint: null };
  if (error instanceof DeterminismError) {
    const detail = `Epoch ${error.epoch}, computed again after an interruption, came out different from before.`;
    return { code: 'determinism_violation', detail, errors: [], hint: null };
  }
  if (error instanceof BlobError) {
    return { code: 'storage_damaged', detail: 'Stored bytes this job needs are damaged.', errors: [], hint: null };
  }
  return null;
}
