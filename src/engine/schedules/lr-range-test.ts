import Type from 'typebox';
import { defineStepSchedule } from './schedule.ts';

/** Smith 2017, section 3.3, with equal factors from step to step. */
export const lrRangeTest = defineStepSchedule({
  type: 'lr_range_test',
  summary: 'A sweep from a tiny rate to a huge one, to see from where to where the loss falls.',
  source: 'https://arxiv.org/abs/1506.01186',
  every: 'step',
  options: Type.Object({
    min_learning_rate: Type.Number({ exclusiveMinimum: 0, default: 1e-5, description: 'Rate of the first update.' }),
    max_learning_rate: Type.Number({ exclusiveMinimum: 0, default: 10, description: 'Rate of the last update.' }),
    iterations: Type.Optional(Type.Integer({ minimum: 2, description: 'Updates of the sweep. Default: all updates of the job.' })),
  }),
  rateAt({ min_learning_rate: min, max_learning_rate: max, iterations }, { totalSteps }, step) {
    const last = Math.max(iterations ?? totalSteps, 2) - 1;
    return min * (max / min) ** (Math.min(step, last) / last);
  },
});
