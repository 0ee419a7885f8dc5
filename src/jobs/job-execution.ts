// One attempt at one claimed job: read the data, train in a thread, commit what it tells, write the end. Nothing here
// decides that a job is to stop; `stop` is called from outside, once or several times, and the most final cause counts.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { DatasetService } from '../datasets/dataset-service.ts';
import type { OpenedTable } from '../datasets/table-reader.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import type { TrainRequest } from '../engine/index.ts';
import { startLoop } from '../lib/wakeable-loop.ts';
import type { ArrivedEpochs, ArrivedState, TrainEvent, TrainPool, TrainRun } from '../threads/train-pool.ts';
import { encodedBytes } from '../training/data-memory.ts';
import { type TrainingTask, trainingTask } from '../training/run-training.ts';
import { updatesOf } from '../training/training-request.ts';
import { partSizes } from '../training/window-request.ts';
import type { EngineIdentity } from './checkpoint-match.ts';
import { type ResumePoint, restoreNewest } from './checkpoint-restore.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { commitEpochs } from './epoch-commit.ts';
import type { ClaimedJob, ExecutionStore } from './execution-store.ts';
import { LeaseLostError } from './job-fence.ts';
import { writeLog } from './job-log.ts';
import { endLine, type JobOutcome, outcomeOf, outcomeOfError, type StopCause, type Unsuccessful } from './job-outcome.ts';
import type { JobProgress } from './job-store.ts';
import { createProgressMeter, type ProgressMeter } from './progress-meter.ts';
import { testedRates } from './tested-rates.ts';
import { trainedModel } from './trained-model.ts';

export interface ExecutionDeps {
  readonly executions: ExecutionStore;
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly checkpoints: Pick<CheckpointStore, 'list' | 'spool'>;
  /** Whose bits the checkpoints of this worker hold. */
  readonly identity: EngineIdentity;
  readonly leaseSeconds: number;
  /** How long a job that is to be given back may take to end the epoch under way. */
  readonly releaseGraceMs: number;
  readonly trainPool: TrainPool;
  readonly datasets: Pick<DatasetService, 'get' | 'openTable'>;
  readonly backend: TrainRequest['backend'];
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** One way to tell a training to stop, and how long it may take to before the next one is tried; null: as long as it likes. */
interface StopRequest {
  readonly how: 'abandon' | 'conclude' | 'yieldSoon';
  readonly graceMs: number | null;
}

const ABANDON: StopRequest = { how: 'abandon', graceMs: 1500 };

/** What is tried for each cause, one after the other. A training that heeds none of it has its thread ended. */
const STOPPING: { readonly [Cause in Exclude<StopCause, 'release'>]: readonly StopRequest[] } = {
  lease_lost: [ABANDON],
  cancel: [ABANDON],
  // Its result is measured on all rows, and whoever does not want to wait for that can still cancel.
  stop: [{ how: 'conclude', graceMs: null }],
  time_limit: [{ how: 'conclude', graceMs: 60_000 }],
  // The end of the epoch is worth some waiting for; else the job goes on from the checkpoint before, to the same bits.
  pause: [{ how: 'yieldSoon', graceMs: 30_000 }, ABANDON],
};

/** A cause further left overrules those right of it. */
const CAUSES_BY_RANK: readonly StopCause[] = ['lease_lost', 'cancel', 'release', 'stop', 'time_limit', 'pause'];

const PROGRESS_MS = 500;
const RETRY_MS = 250;
const FAULT_REST_MS = 10_000;
/** So many times longer at most: each attempt leaves some events. */
const FAULT_RESTS_MAX = 30;
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Newest checkpoints that stay where a request from before there was a choice does not say. */
const KEEP_DEFAULT = 2;

/** How an attempt ended that was not broken off by an error. */
interface AttemptEnd {
  readonly outcome: JobOutcome;
  readonly progress: JobProgress;
  /** What was trained on. */
  readonly datasetSha256: string;
}

type ThreadEnd = Exclude<TrainEvent, ArrivedEpochs>;

/** One attempt at a claimed job. */
export class JobExecution {
  readonly #deps: ExecutionDeps;
  readonly #job: ClaimedJob;
  #cause: StopCause | null = null;
  #training: TrainRun | null = null;
  /** The last one that is stored. */
  #epoch = 0;
  #isDiskFull = false;
  readonly #leaving = new AbortController();
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(deps: ExecutionDeps, job: ClaimedJob) {
    this.#deps = deps;
    this.#job = job;
  }

  /** Runs until the job has ended, is given back or is lost. Rejects when its end could not be written. */
  async run(): Promise<void> {
    const { executions, logger } = this.#deps;
    const { lease } = this.#job;
    logger.info('job_claimed');
    const endTimeLimit = startTimeLimit(this.#job, { now: this.#deps.now, onReached: () => this.stop('time_limit') });
    try {
      // Reading the data of a job that is to be given back would only make the next worker wait.
      if (this.#cause === 'release') return await this.#insist(() => executions.release(lease));
      await this.#write(await this.#attempt());
    } catch (error) {
      if (error instanceof LeaseLostError) return logger.warn('lease_lost');
      logger[this.#leaving.signal.aborted ? 'info' : 'error']({ err: error }, 'job_broken');
      await this.#writeOther(outcomeOfError(error, this.#cause));
    } finally {
      endTimeLimit();
    }
  }

  async #attempt(): Promise<AttemptEnd> {
    const { datasets } = this.#deps;
    const { projectId, request } = this.#job;
    const { signal } = this.#leaving;
    let data: OpenedTable | undefined;
    let start: ResumePoint | null = null;
    try {
      const dataset = await this.#insist(() => datasets.get(projectId, request.dataset));
      const bytes = encodedBytes({ ...request, dataset });
      data = await this.#insist(() => datasets.openTable(projectId, request.dataset, { encodedBytes: bytes, signal }));
      start = await this.#insist(() => restoreNewest(this.#deps, this.#job, signal));
      this.#epoch = start?.epoch ?? 0;
      const resume = start === null ? {} : { resumeFrom: { fd: start.state.fd, bytes: start.state.bytes } };
      const { schema, sha256 } = dataset;
      const task = trainingTask({ request, table: data.table, schema, backend: this.#deps.backend, ...resume });
      return { ...(await this.#train(task, start)), datasetSha256: sha256 };
    } finally {
      await Promise.all([data?.close(), start?.state.close()]);
    }
  }

  /** Asks the training to stop; its thread is ended if it does not. */
  stop(cause: StopCause): void {
    if (this.#cause !== null && CAUSES_BY_RANK.indexOf(this.#cause) <= CAUSES_BY_RANK.indexOf(cause)) return;
    this.#cause = cause;
    this.#deps.logger.info({ cause }, 'job_stopping');
    // With any other cause a result is made here, for which all that is being read is needed.
    if (cause !== 'stop' && cause !== 'time_limit') this.#leaving.abort();
    this.#stopTraining();
  }

  #stopTraining(): void {
    const training = this.#training;
    if (training === null || this.#cause === null) return;
    this.#request(training, this.#requestsFor(this.#cause));
  }

  #request(training: TrainRun, [request, ...later]: readonly StopRequest[]): void {
    clearTimeout(this.#graceTimer);
    if (request === undefined) {
      training.terminate();
      return;
    }
    training[request.how]();
    if (request.graceMs !== null) this.#graceTimer = setTimeout(() => this.#request(training, later), request.graceMs);
  }

  #requestsFor(cause: StopCause): readonly StopRequest[] {
    if (cause !== 'release') return STOPPING[cause];
    // The epoch under way becomes a checkpoint if it ends soon; else it is computed again, to the same bits.
    return [{ how: 'yieldSoon', graceMs: this.#deps.releaseGraceMs }, ABANDON];
  }

  /** Trains to the end, whatever that is. */
  async #train(task: TrainingTask, start: ResumePoint | null): Promise<Omit<AttemptEnd, 'datasetSha256'>> {
    const { trainPool, now, logger } = this.#deps;
    const meter = meterOf(this.#job.request, { rows: task.table.rows, start, now });
    // No epoch is under way that would be worth finishing.
    if (this.#cause === 'release') return { outcome: { kind: 'released' }, progress: meter.ended() };
    const run = trainPool.run(task);
    this.#training = run;
    // A stop that came while the data was read found no training.
    this.#stopTraining();
    const end = await this.#follow(run, { meter, firstStep: start?.step ?? 0 });
    if (end.type === 'failed') logger[this.#cause === null ? 'error' : 'info']({ reason: end.message, stack: end.stack }, 'thread_ended');
    return { outcome: outcomeOf(end, this.#cause), progress: meter.ended() };
  }

  async #follow(run: TrainRun, { meter, firstStep }: { meter: ProgressMeter; firstStep: number }): Promise<ThreadEnd> {
    const ticker = startLoop(() => this.#tellProgress(meter, firstStep + run.stepsDone()), {
      intervalMs: PROGRESS_MS,
      onError: (error) => this.#deps.logger.warn({ err: error }, 'progress_not_written'),
    });
    try {
      for await (const event of run.events) {
        if (event.type !== 'epochs') return event;
        await this.#commit(event, meter);
      }
      throw new Error('the thread said nothing about its end');
    } finally {
      await ticker.close();
      clearTimeout(this.#graceTimer);
      this.#training = null;
      run.terminate();
    }
  }

  async #tellProgress(meter: ProgressMeter, step: number): Promise<void> {
    const progress = meter.atStep(step);
    if (progress !== null && this.#cause === null) await this.#deps.executions.writeProgress(this.#job.lease, progress);
  }

  async #commit({ epochs, state, stateLost }: ArrivedEpochs, meter: ProgressMeter): Promise<void> {
    const progress = meter.afterEpochs(epochs);
    const keep = this.#job.request.training.checkpoint.keep ?? KEEP_DEFAULT;
    const store = async (): Promise<void> => {
      const batch = { epochs, state: state === null ? null : this.#whileWanted(state), progress, keep };
      await commitEpochs(this.#deps, this.#job.lease, batch);
      this.#epoch = progress.epoch;
    };
    try {
      if (this.#isWanted()) await this.#insist(store);
      if (stateLost && this.#isWanted()) await this.#tellOfFullDisk(progress.epoch);
    } catch (error) {
      if (this.#isWanted()) throw error;
    }
  }

  /** Once: the disk may be full for all of the training. */
  async #tellOfFullDisk(epoch: number): Promise<void> {
    if (this.#isDiskFull) return;
    this.#isDiskFull = true;
    this.#deps.logger.warn({ epoch }, 'checkpoint_without_room');
    const message = `The worker's disk has no room for the checkpoint after epoch ${epoch}: the training goes on without it.`;
    await this.#insist(() => writeLog(this.#deps.pool, this.#job.lease, [{ level: 'warn', message }]));
  }

  /** Whether anybody will ever read what this attempt still stores. */
  #isWanted(): boolean {
    return this.#cause !== 'lease_lost' && this.#cause !== 'cancel';
  }

  /** A large state takes seconds to store, and whoever cancels its job should not wait for them. */
  async *#whileWanted(state: ArrivedState): AsyncGenerator<Uint8Array> {
    for await (const piece of state.pieces()) {
      if (!this.#isWanted()) throw new Error('the rest of the state is not wanted any more');
      yield piece;
    }
  }

  async #write({ outcome, progress, datasetSha256 }: AttemptEnd): Promise<void> {
    const job = this.#job;
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'tested') return this.#writeOther(outcome);
    await this.#tellOfEnd(outcome);
    const ended = { job, progress, datasetSha256 };
    const success = outcome.kind === 'tested' ? testedRates({ ...outcome, ...ended }) : trainedModel({ ...outcome, ...ended });
    await this.#insist(() => this.#deps.executions.finishSucceeded(job, success));
  }

  async #tellOfEnd(outcome: Exclude<JobOutcome, { kind: 'lost' }>): Promise<void> {
    const { logger, pool } = this.#deps;
    logger.info({ outcome: outcome.kind, ...('stopReason' in outcome && { stop_reason: outcome.stopReason }) }, 'job_outcome');
    await this.#insist(() => writeLog(pool, this.#job.lease, [endLine(outcome, this.#epoch)]));
  }

  /** Writes the end of an attempt that has nothing to show. */
  async #writeOther(outcome: Unsuccessful): Promise<void> {
    const { executions } = this.#deps;
    const { lease } = this.#job;
    if (outcome.kind !== 'lost') await this.#tellOfEnd(outcome);
    switch (outcome.kind) {
      case 'failed':
        return this.#insist(() => executions.finishFailed(lease, outcome.stopReason, outcome.error));
      case 'left':
        return this.#insist(() => executions.finishLeft(lease, outcome.stopReason));
      case 'machine_fault':
        await this.#rest();
        return this.#insist(() => executions.release(lease));
      case 'released':
        return this.#insist(() => executions.release(lease));
      case 'lost':
        return;
      default:
        return outcome satisfies never;
    }
  }

  /** The job may well come back to this worker, which should not try it again and again. */
  async #rest(): Promise<void> {
    const restMs = FAULT_REST_MS * Math.min(this.#job.attempt, FAULT_RESTS_MAX);
    await sleep(restMs, undefined, { signal: this.#leaving.signal }).catch(() => undefined);
  }

  /** A database that is away for a moment costs a wait; one that stays away costs the lease, which ends the waiting. */
  async #insist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        if (this.#cause === 'lease_lost') throw new LeaseLostError(this.#job.lease);
        this.#deps.logger.warn({ err: error }, 'database_unavailable');
        await sleep(RETRY_MS);
      }
    }
  }
}

/** Counts from the first claim, so that dying and coming back does not buy time. Returns what ends it. */
function startTimeLimit(job: ClaimedJob, { now, onReached }: { now: () => number; onReached: () => void }): () => void {
  const seconds = job.request.limits.max_seconds;
  if (seconds === null) return () => undefined;
  const end = now() + (seconds - job.secondsUsed) * 1000;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const rest = end - now();
    if (rest <= 0) onReached();
    else timer = setTimeout(look, Math.min(TIMER_MS_MAX, Math.ceil(rest)));
  };
  timer = setTimeout(look, 0);
  return () => clearTimeout(timer);
}

function meterOf(
  request: ClaimedJob['request'],
  { rows, start, now }: { rows: number; start: ResumePoint | null; now: () => number },
): ProgressMeter {
  const { training, window, split } = request;
  const trainRows = partSizes(rows, window, split).train;
  return createProgressMeter({
    epochs: training.epochs,
    steps: updatesOf(request, trainRows),
    trainRows,
    batchSize: training.batch_size,
    firstEpoch: start?.epoch ?? 0,
    firstStep: start?.step ?? 0,
    now,
  });
}
