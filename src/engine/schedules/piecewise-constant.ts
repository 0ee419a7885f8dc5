import Type from 'typebox';
import { defineStepSchedule } from './schedule.ts';

export const piecewiseConstant = defineStepSchedule({
  type: 'piecewise_constant',
  summary: 'values[i] up to and including update boundaries[i], the last value after them.',
  every: 'step',
  options: Type.Object({
    boundaries: Type.Array(Type.Integer({ minimum: 0 }), {
      minItems: 1,
      description: 'Last update of each value but the last, ascending.',
    }),
    values: Type.Array(Type.Number({ exclusiveMinimum: 0 }), { minItems: 2, description: 'Rates, one more than boundaries.' }),
  }),
  rateAt({ boundaries, values }, _context, step) {
    const position = boundaries.findIndex((boundary) => step <= boundary);
    return values[position === -1 ? values.length - 1 : position]!;
  },
});
