import Type from 'typebox';
import { DECAY_STEPS, INITIAL } from './options.ts';
import { defineStepSchedule } from './schedule.ts';

export const exponentialDecay = defineStepSchedule({
  type: 'exponential_decay',
  summary: 'The rate is multiplied by decay_rate every decay_steps updates, smoothly or in stairs.',
  every: 'step',
  options: Type.Object({
    initial_learning_rate: INITIAL,
    decay_steps: DECAY_STEPS,
    decay_rate: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 0.96, description: 'Factor per decay_steps updates.' }),
    staircase: Type.Boolean({ default: false, description: 'Change only after every decay_steps updates.' }),
  }),
  rateAt({ initial_learning_rate, decay_steps, decay_rate, staircase }, { learningRate, totalSteps }, step) {
    const exponent = step / (decay_steps ?? totalSteps);
    return (initial_learning_rate ?? learningRate) * decay_rate ** (staircase ? Math.floor(exponent) : exponent);
  },
});
