import Type from 'typebox';
import { defineRecurrentLayer, GATE_OPTION, recurrentOptions } from './recurrent.ts';

/** W (in, 4 units), U (units, 4 units), b (4 units) in blocks i, f, c, o. Forget bias of one: Jozefowicz, Zaremba and Sutskever 2015. */
export const lstm = defineRecurrentLayer({
  type: 'lstm',
  summary: "Long short-term memory: c' = f c + i g, h' = o activation(c') with gates i, f and o.",
  source: 'https://doi.org/10.1162/neco.1997.9.8.1735',
  options: recurrentOptions({
    ...GATE_OPTION,
    unit_forget_bias: Type.Boolean({ default: true, description: 'Starts the bias of the forget gate at 1.' }),
  }),
  read: (options) => options,
  gates: 4,
  states: 2,
  op: () => 'lstm',
  bias: ({ units, unit_forget_bias }) => ({ shape: [4 * units], ...(unit_forget_bias && { ones: { from: units, to: 2 * units } }) }),
});
