import { NO_OPTIONS } from '../losses/options.ts';
import { defineCollectedMetric } from './metric.ts';

/** In the columns' units, which a sum over standardised rows cannot give: the zero of a column lies elsewhere then. */
export const meanAbsolutePercentageError = defineCollectedMetric({
  type: 'mean_absolute_percentage_error',
  summary: 'Mean of the distance of prediction and target as a fraction of the target.',
  better: 'lower',
  targets: ['numbers'],
  options: NO_OPTIONS,
  evaluate({ predictions, targets }, { std, mean, levels }) {
    const columns = std?.length ?? mean?.length ?? 1;
    const sizes = levels?.();
    let total = 0;
    for (let i = 0; i < targets.length; i += 1) {
      const [scale, shift] = [std?.[i % columns] ?? 1, mean?.[i % columns] ?? 0];
      // A target of exactly 0 gives a very large number, not an infinite one.
      const size = Math.max(Math.abs(sizes?.[i] ?? targets[i]! * scale + shift), Number.EPSILON);
      total += Math.abs(predictions[i]! - targets[i]!) * (scale / size);
    }
    return total / targets.length;
  },
  kernels: [],
});
