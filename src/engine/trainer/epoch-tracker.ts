import { METRICS } from '../metrics/index.ts';
import { loss } from '../metrics/loss.ts';
import type { MetricDefinition } from '../metrics/metric.ts';
import type { BestEpoch, Metrics, TrainingOptions } from './training.ts';

/** What early stopping has seen so far: part of the engine state. */
export interface TrackedEpochs {
  readonly best: BestEpoch | null;
  /** Epochs since the best one. */
  readonly wait: number;
}

/** The metric by which epochs are compared: the one early stopping names, else the loss on unseen rows if there are any. */
export function trackedMetric(training: Pick<TrainingOptions, 'early_stopping'>, hasValidation: boolean): string {
  return training.early_stopping?.metric ?? (hasValidation ? 'val_loss' : 'loss');
}

/** Counts an epoch in. It becomes the best one when it is better by more than `min_delta`; the first always does. */
export function trackEpoch(
  tracked: TrackedEpochs,
  epoch: number,
  metric: string,
  metrics: Metrics,
  training: TrainingOptions,
): TrackedEpochs {
  const value = metrics[metric];
  if (value === undefined) throw new Error(`The epoch has no metric ${metric}, only ${Object.keys(metrics).join(', ')}`);
  const gain = tracked.best ? (isLowerBetter(metric) ? tracked.best.value - value : value - tracked.best.value) : Number.POSITIVE_INFINITY;
  const first = tracked.best === null || (Number.isNaN(tracked.best.value) && !Number.isNaN(value));
  return first || gain > (training.early_stopping?.min_delta ?? 0)
    ? { best: { epoch, metric, value }, wait: 0 }
    : { best: tracked.best, wait: tracked.wait + 1 };
}

/** Whether early stopping ends the job. */
export function isExhausted({ wait }: TrackedEpochs, { early_stopping }: TrainingOptions): boolean {
  return early_stopping !== null && wait > 0 && wait >= early_stopping.patience;
}

/** Whether a metric, with or without `val_`, is the better the smaller it is. */
export function isLowerBetter(metric: string): boolean {
  const definitions: readonly MetricDefinition[] = [loss, ...Object.values(METRICS)];
  return definitions.find(({ type }) => type === metric.replace(/^val_/, ''))?.better !== 'higher';
}
