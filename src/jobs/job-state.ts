// The life of a job as data: its states, which may follow which, and why it can end.

/** `interrupted` means that its worker died: the job is waiting to be taken up again. */
export const JOB_STATUSES = ['queued', 'running', 'interrupted', 'succeeded', 'failed', 'cancelled'] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

/** States that may follow each state. Terminal ones have none; a trigger of the database guards that too. */
const TRANSITIONS: { readonly [From in JobStatus]: readonly JobStatus[] } = {
  queued: ['running', 'cancelled', 'failed'],
  running: ['queued', 'interrupted', 'succeeded', 'failed', 'cancelled'],
  interrupted: ['queued', 'running', 'cancelled', 'failed'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export const STOP_REASONS = [
  'completed',
  'early_stopping',
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

export const TERMINAL_STATUSES: readonly JobStatus[] = JOB_STATUSES.filter((status) => TRANSITIONS[status].length === 0);

/** True when nothing will change any more. */
export function isTerminal(status: string): boolean {
  return TERMINAL_STATUSES.some((terminal) => terminal === status);
}

/** True while the job waits for a worker: cancelling it needs nobody's help. */
export function isWaiting(status: string): boolean {
  return status === 'queued' || status === 'interrupted';
}
