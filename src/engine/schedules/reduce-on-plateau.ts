import Type from 'typebox';
import { INITIAL } from './options.ts';
import { defineEpochSchedule } from './schedule.ts';

export const reduceOnPlateau = defineEpochSchedule({
  type: 'reduce_on_plateau',
  summary: 'The rate is multiplied by a factor when a metric has not improved for some epochs.',
  every: 'epoch',
  options: Type.Object({
    initial_learning_rate: INITIAL,
    metric: Type.Optional(
      Type.String({ description: 'What has to improve, as in early_stopping. Default `val_loss`, without a validation part `loss`.' }),
    ),
    factor: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, default: 0.1, description: 'What the rate is multiplied by.' }),
    patience: Type.Integer({ minimum: 0, default: 10, description: 'Epochs without improvement that are waited out.' }),
    min_delta: Type.Number({ minimum: 0, default: 1e-4, description: 'Smaller improvements do not count.' }),
    cooldown: Type.Integer({ minimum: 0, default: 0, description: 'Epochs after a reduction in which nothing is counted.' }),
    min_lr: Type.Number({ minimum: 0, default: 0, description: 'The rate never falls below this.' }),
    mode: Type.Optional(
      Type.Union([Type.Literal('min'), Type.Literal('max')], { description: 'Which way is better. Default: as the metric says.' }),
    ),
  }),
  start: ({ initial_learning_rate }, { learningRate }) => {
    return { rate: initial_learning_rate ?? learningRate, best: Number.NaN, wait: 0, cooldown: 0 };
  },
  next({ rate, best, wait, cooldown }, value, { factor, patience, min_delta, cooldown: pause, min_lr, mode }) {
    const counter = Math.max(cooldown - 1, 0);
    const counted = cooldown > 0 ? 0 : wait;
    // The first value always improves: there is no best to compare it with.
    const gain = mode === 'max' ? value - best : best - value;
    if (Number.isNaN(best) || gain > min_delta) return { rate, best: value, wait: 0, cooldown: counter };
    if (counter > 0) return { rate, best, wait: counted, cooldown: counter };
    if (counted + 1 >= patience && rate > min_lr) return { rate: Math.max(rate * factor, min_lr), best, wait: 0, cooldown: pause };
    return { rate, best, wait: counted + 1, cooldown: counter };
  },
});
