import { withDefaults } from '../schema.ts';
import { accuracy } from './accuracy.ts';
import { meanAbsoluteError, meanSquaredError, rootMeanSquaredError } from './column-errors.ts';
import { confusionMatrix, f1, precision, recall } from './confusion.ts';
import { logLoss } from './log-loss.ts';
import { meanAbsolutePercentageError } from './mean-absolute-percentage-error.ts';
import type { MetricDefinition } from './metric.ts';
import { r2 } from './r2.ts';
import { rocAuc } from './roc-auc.ts';
import { topKAccuracy } from './top-k-accuracy.ts';

/** Every metric that can be asked for, by the name requests use. `loss` is always there and not asked for. */
export const METRICS = {
  accuracy,
  top_k_accuracy: topKAccuracy,
  log_loss: logLoss,
  roc_auc: rocAuc,
  precision,
  recall,
  f1,
  confusion_matrix: confusionMatrix,
  mean_absolute_error: meanAbsoluteError,
  mean_squared_error: meanSquaredError,
  root_mean_squared_error: rootMeanSquaredError,
  r2,
  mean_absolute_percentage_error: meanAbsolutePercentageError,
} as const;

export type MetricName = keyof typeof METRICS;

/** The record of a metric, its options untyped: they were checked against its schema. */
export function metricOf(name: MetricName): MetricDefinition {
  return METRICS[name];
}

/** The options of a metric with those left out filled in. */
export function metricOptions(name: MetricName, posted: object = {}): Readonly<Record<string, unknown>> {
  return withDefaults(metricOf(name).options, posted) as Record<string, unknown>;
}
