// The words for where a job is: its states, which may follow which, and why it ended. What moves it is `lifecycle/step.ts`.

/**
 * `validating`: its dataset is still being imported. `interrupted`: its worker died, and it waits to be taken up again.
 * `waiting_for_worker`: no live worker would go on from its checkpoint to the same bits.
 */
export const JOB_STATUSES = [
  'validating',
  'queued',
  'running',
  'paused',
  'interrupted',
  'waiting_for_worker',
  'succeeded',
  'failed',
  'cancelled',
] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

export const STOP_REASONS = [
  'completed',
  'early_stopping',
  'user_stop',
  'time_limit',
  'divergence',
  'error',
  'worker_lost_limit',
  'cancelled',
  'not_separable',
  'determinism_violation',
] as const;

/** Why a job ended. */
export type StopReason = (typeof STOP_REASONS)[number];

export const TERMINAL_STATUSES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobStatus[];

/** States in which a claim may take the job. */
export const WAITING_STATUSES = ['queued', 'interrupted'] as const satisfies readonly JobStatus[];

/** True when nothing will change any more, unless its owner retries it. */
export function isTerminal(status: string): boolean {
  return TERMINAL_STATUSES.some((terminal) => terminal === status);
}

/** True while the job has its place in the queue. */
export function isWaiting(status: string): boolean {
  return WAITING_STATUSES.some((waiting) => waiting === status);
}
