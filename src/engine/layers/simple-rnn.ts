import { defineRecurrentLayer, recurrentOptions } from './recurrent.ts';

/** `h' = activation(x W + h U + b)`: x (time, in), W (in, units), U (units, units), b (units). Elman 1990. */
export const simpleRnn = defineRecurrentLayer({
  type: 'simple_rnn',
  summary: "Recurrent layer without gates: h' = activation(x W + h U + b).",
  source: 'https://doi.org/10.1207/s15516709cog1402_1',
  options: recurrentOptions({}),
  read: (options) => options,
  gates: 1,
  states: 1,
  op: () => 'simple_rnn',
  bias: ({ units }) => ({ shape: [units] }),
});
