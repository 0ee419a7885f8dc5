import type { ScheduleName } from '../schedules/index.ts';
import { SCHEDULES, scheduleOf } from '../schedules/index.ts';
import type { PlateauState, ScheduleContext } from '../schedules/schedule.ts';
import { isLowerBetter, trackedMetric } from './epoch-tracker.ts';
import type { Metrics, TrainingOptions } from './training.ts';

/** The learning rate over a job. What it has seen is in the plateau state, which is part of the engine state. */
export interface LearningRates {
  start(): PlateauState | null;
  /** Fills in the rates of updates from `firstStep` on. */
  fill(rates: Float64Array, firstStep: number, plateau: PlateauState | null): void;
  /** Looks at an epoch's metrics. */
  next(plateau: PlateauState | null, metrics: Metrics): PlateauState | null;
}

export function learningRates(training: TrainingOptions, context: ScheduleContext, hasValidation: boolean): LearningRates {
  const { schedule } = training;
  if (!schedule) return { start: () => null, fill: (rates) => rates.fill(context.learningRate), next: () => null };
  if (!isSchedule(schedule.type)) throw new Error(`There is no schedule ${schedule.type}: the request was not checked`);
  const definition = scheduleOf(schedule.type);
  const options: Record<string, unknown> = { ...schedule };
  if (definition.every === 'step') {
    return {
      start: () => null,
      fill(rates, firstStep) {
        for (let i = 0; i < rates.length; i += 1) rates[i] = definition.rateAt(options, context, firstStep + i);
      },
      next: () => null,
    };
  }
  const metric = typeof schedule['metric'] === 'string' ? schedule['metric'] : trackedMetric({ early_stopping: null }, hasValidation);
  const directed = { mode: isLowerBetter(metric) ? 'min' : 'max', ...options };
  return {
    start: () => definition.start(directed, context),
    fill: (rates, _firstStep, plateau) => rates.fill(plateau!.rate),
    next(plateau, metrics) {
      const value = metrics[metric];
      if (value === undefined) throw new Error(`The epoch has no metric ${metric}, only ${Object.keys(metrics).join(', ')}`);
      return definition.next(plateau!, value, directed);
    },
  };
}

function isSchedule(type: string): type is ScheduleName {
  return Object.hasOwn(SCHEDULES, type);
}
