import Type from 'typebox';

/** Options several schedules share. */
export const INITIAL = Type.Optional(
  Type.Number({ minimum: 0, description: "Rate of the first update. Default: the optimizer's learning rate." }),
);

export const DECAY_STEPS = Type.Optional(
  Type.Integer({ minimum: 1, description: 'Updates the decay takes. Default: all updates of the job.' }),
);
