import Type from 'typebox';
import { DECAY_STEPS, INITIAL } from './options.ts';
import { defineStepSchedule } from './schedule.ts';

/** Loshchilov and Hutter 2017, without restarts; the warm-up is a straight line from the first rate to `warmup_target`. */
export const cosineDecay = defineStepSchedule({
  type: 'cosine_decay',
  summary: 'Half a cosine from the first rate down to its share alpha, after a straight warm-up if there is one.',
  source: 'https://arxiv.org/abs/1608.03983',
  every: 'step',
  options: Type.Object({
    initial_learning_rate: INITIAL,
    decay_steps: DECAY_STEPS,
    alpha: Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Share of the top rate at the end.' }),
    warmup_target: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Rate at the end of the warm-up. Without it there is none.' }),
    ),
    warmup_steps: Type.Integer({ minimum: 0, default: 0, description: 'Updates of the warm-up.' }),
  }),
  rateAt({ initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps }, { learningRate, totalSteps }, step) {
    const initial = initial_learning_rate ?? learningRate;
    const warmup = warmup_target === undefined ? 0 : warmup_steps;
    if (warmup_target !== undefined && step < warmup) return initial + ((warmup_target - initial) * step) / warmup;
    const steps = decay_steps ?? Math.max(totalSteps - warmup, 1);
    const done = Math.min(step - warmup, steps) / steps;
    return (warmup_target ?? initial) * (((1 - alpha) * (1 + Math.cos(Math.PI * done))) / 2 + alpha);
  },
});
