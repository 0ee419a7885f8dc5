import { isObject } from '../json-schema.ts';
import { SCHEDULES, scheduleOf } from '../schedules/index.ts';
import { withDefaults } from '../schema.ts';
import { nameIn } from './name-in.ts';
import type { Comparison, Vector } from './vector.ts';
import { comparison } from './vector.ts';

/** Cases say everything themselves. */
const NO_CONTEXT = { learningRate: Number.NaN, totalSteps: Number.NaN };

/** Rates at the given steps, or after epochs with the given values. Schedules need no backend. */
export function runSchedule({ spec, inputs, expect }: Vector): Comparison[] {
  const definition = scheduleOf(nameIn(SCHEDULES, spec['type'], 'schedule'));
  const options = withDefaults(definition.options, spec) as Record<string, unknown>;
  const context = NO_CONTEXT;
  if (definition.every === 'step') {
    const steps = inputs['steps']?.data ?? [];
    return comparison(
      'rate',
      expect.output,
      steps.map((step) => definition.rateAt(options, context, step)),
    );
  }
  let state = definition.start(options, context);
  const rates = (inputs['values']?.data ?? []).map((value) => {
    state = definition.next(state, value, options);
    return state.rate;
  });
  return comparison('rate', expect.output, rates);
}

/** A learning rate of an optimizer's case: a number, or a schedule asked for a step. */
export function rateOf(posted: unknown, step: number): number {
  if (!isObject(posted)) return Number(posted);
  const definition = scheduleOf(nameIn(SCHEDULES, posted['type'], 'schedule'));
  if (definition.every !== 'step') throw new Error(`${definition.type} is not asked by step`);
  return definition.rateAt(withDefaults(definition.options, posted) as Record<string, unknown>, NO_CONTEXT, step);
}
