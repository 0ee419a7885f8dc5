import Type from 'typebox';
import { defineRecurrentLayer, GATE_OPTION, recurrentOptions } from './recurrent.ts';

/** W (in, 3 units), U (units, 3 units) in blocks z, r, h; b (2, 3 units), of x W and of h U, with `reset_after`, else (3 units). */
export const gru = defineRecurrentLayer({
  type: 'gru',
  summary: "Gated recurrent unit: h' = z h + (1 - z) hh with the update gate z and, inside the candidate hh, the reset gate r.",
  source: 'https://arxiv.org/abs/1406.1078',
  options: recurrentOptions({
    ...GATE_OPTION,
    reset_after: Type.Boolean({ default: true, description: 'Resets h U instead of h. The bias then has two rows.' }),
  }),
  read: (options) => options,
  gates: 3,
  states: 1,
  op: ({ reset_after }) => (reset_after ? 'gru' : 'gru_reset_before'),
  bias: ({ units, reset_after }) => ({ shape: reset_after ? [2, 3 * units] : [3 * units] }),
});
