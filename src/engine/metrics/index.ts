import { accuracy } from './accuracy.ts';
import { meanAbsoluteError } from './mean-absolute-error.ts';

/** Every metric that can be asked for, by the name requests use. `loss` is always there and not asked for. */
export const METRICS = { accuracy, mean_absolute_error: meanAbsoluteError } as const;

export type MetricName = keyof typeof METRICS;
