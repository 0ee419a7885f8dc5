import type { EpochRecord } from '../threads/protocol.ts';
import type { JobProgress } from './job-store.ts';

export interface ProgressMeter {
  /** Progress after the newest of these epochs. */
  afterEpochs(epochs: readonly EpochRecord[]): JobProgress;
  /** Progress inside an epoch, or null when nothing moved since it was last told. */
  atStep(step: number): JobProgress | null;
  /** Progress of a training that has ended. */
  ended(): JobProgress;
}

export interface ProgressMeterOptions {
  readonly epochs: number;
  /** Updates of the whole job. */
  readonly steps: number;
  readonly trainRows: number;
  readonly batchSize: number;
  /** Epochs and updates done before this attempt. */
  readonly firstEpoch: number;
  readonly firstStep: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Turns updates done into what the API shows: fraction, speed and the time left at the speed since the attempt began. */
export function createProgressMeter(options: ProgressMeterOptions): ProgressMeter {
  const { epochs, steps, trainRows, batchSize, firstStep, now } = options;
  const startedAt = now();
  let epoch = options.firstEpoch;
  let toldStep = firstStep;

  const at = (step: number): JobProgress => {
    toldStep = step;
    const seconds = (now() - startedAt) / 1000;
    const stepsPerSecond = step > firstStep && seconds > 0 ? (step - firstStep) / seconds : null;
    return {
      fraction: steps === 0 ? 0 : Math.min(1, step / steps),
      epoch,
      epochs,
      step,
      steps,
      eta_seconds: stepsPerSecond === null ? null : round(Math.max(0, steps - step) / stepsPerSecond),
      // The last batch of an epoch may be smaller: count rows per epoch, not full batches.
      samples_per_second: stepsPerSecond === null ? null : round((stepsPerSecond * trainRows) / Math.ceil(trainRows / batchSize)),
    };
  };
  return {
    afterEpochs: (done) => {
      const last = done.at(-1);
      epoch = last?.epoch ?? epoch;
      return at(last?.step ?? toldStep);
    },
    atStep: (step) => (step > toldStep ? at(step) : null),
    ended: () => ({ ...at(toldStep), fraction: 1, eta_seconds: 0 }),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
