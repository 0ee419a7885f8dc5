import { cosineDecay } from './cosine-decay.ts';
import { exponentialDecay } from './exponential-decay.ts';
import { lrRangeTest } from './lr-range-test.ts';
import { oneCycle } from './one-cycle.ts';
import { piecewiseConstant } from './piecewise-constant.ts';
import { polynomialDecay } from './polynomial-decay.ts';
import { reduceOnPlateau } from './reduce-on-plateau.ts';
import type { ScheduleDefinition } from './schedule.ts';

/** Every schedule by the name requests use. */
export const SCHEDULES = {
  exponential_decay: exponentialDecay,
  cosine_decay: cosineDecay,
  polynomial_decay: polynomialDecay,
  piecewise_constant: piecewiseConstant,
  one_cycle: oneCycle,
  lr_range_test: lrRangeTest,
  reduce_on_plateau: reduceOnPlateau,
} as const;

export type ScheduleName = keyof typeof SCHEDULES;

/** The record of a schedule, its options untyped: they were checked against its schema. */
export function scheduleOf(name: ScheduleName): ScheduleDefinition {
  return SCHEDULES[name];
}
