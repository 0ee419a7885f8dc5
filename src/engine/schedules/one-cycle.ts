import Type from 'typebox';
import { defineStepSchedule } from './schedule.ts';

/** Smith and Topin 2018: up to a high rate and down again, far below where it began. */
export const oneCycle = defineStepSchedule({
  type: 'one_cycle',
  summary: 'From a low rate up to the highest one and down to almost nothing: super-convergence.',
  source: 'https://arxiv.org/abs/1708.07120',
  every: 'step',
  options: Type.Object({
    max_learning_rate: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Highest rate. Default: the optimizer's learning rate." }),
    ),
    total_steps: Type.Optional(Type.Integer({ minimum: 2, description: 'Updates of the cycle. Default: all updates of the job.' })),
    pct_start: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, default: 0.3, description: 'Share of the updates that go up.' }),
    div_factor: Type.Number({ minimum: 1, default: 25, description: 'Highest rate divided by the first.' }),
    final_div_factor: Type.Number({ minimum: 1, default: 1e4, description: 'First rate divided by the last.' }),
    anneal_strategy: Type.Union([Type.Literal('cos'), Type.Literal('linear')], { default: 'cos', description: 'Shape of both slopes.' }),
  }),
  rateAt({ max_learning_rate, total_steps, pct_start, div_factor, final_div_factor, anneal_strategy }, context, step) {
    const highest = max_learning_rate ?? context.learningRate;
    const last = Math.max(total_steps ?? context.totalSteps, 2) - 1;
    const low = highest / div_factor;
    const peak = Math.max(pct_start * (last + 1) - 1, 0);
    const anneal = anneal_strategy === 'cos' ? cosineBetween : straightBetween;
    if (step <= peak) return anneal(low, highest, peak === 0 ? 1 : step / peak);
    return anneal(highest, low / final_div_factor, Math.min((step - peak) / (last - peak), 1));
  },
});

function cosineBetween(a: number, b: number, q: number): number {
  return b + ((a - b) / 2) * (1 + Math.cos(Math.PI * q));
}

function straightBetween(a: number, b: number, q: number): number {
  return a + (b - a) * q;
}
