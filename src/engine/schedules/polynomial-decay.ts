import Type from 'typebox';
import { DECAY_STEPS, INITIAL } from './options.ts';
import { defineStepSchedule } from './schedule.ts';

export const polynomialDecay = defineStepSchedule({
  type: 'polynomial_decay',
  summary: 'From the first rate to end_learning_rate along a power of the remaining share of steps.',
  every: 'step',
  options: Type.Object({
    initial_learning_rate: INITIAL,
    end_learning_rate: Type.Number({ minimum: 0, default: 1e-4, description: 'Rate at the end.' }),
    decay_steps: DECAY_STEPS,
    power: Type.Number({ exclusiveMinimum: 0, default: 1, description: '1 is a straight line.' }),
    cycle: Type.Boolean({ default: false, description: 'Begin again, over a longer stretch, when the end is reached.' }),
  }),
  rateAt({ initial_learning_rate, end_learning_rate: end, decay_steps, power, cycle }, { learningRate, totalSteps }, step) {
    const steps = decay_steps ?? totalSteps;
    const stretch = cycle ? steps * Math.max(1, Math.ceil(step / steps)) : steps;
    return ((initial_learning_rate ?? learningRate) - end) * (1 - Math.min(step, stretch) / stretch) ** power + end;
  },
});
