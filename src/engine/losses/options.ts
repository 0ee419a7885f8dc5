import Type from 'typebox';

/** A loss without options. */
export const NO_OPTIONS = Type.Object({});

export const FROM_LOGITS = Type.Boolean({
  default: false,
  description: 'Read the output as it is before the activation: for a network that ends in a linear layer.',
});

export const LABEL_SMOOTHING = Type.Number({
  minimum: 0,
  exclusiveMaximum: 1,
  default: 0,
  description: 'Share of certainty that is taken from the target and spread over all classes.',
});
