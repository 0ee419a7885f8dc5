import type { Static, TObject } from 'typebox';

/** What a schedule may start from when its options leave it open. */
export interface ScheduleContext {
  /** The rate of the optimizer. */
  readonly learningRate: number;
  /** Updates of the whole job. */
  readonly totalSteps: number;
}

interface Described<Options extends TObject> {
  readonly type: string;
  readonly summary: string;
  /** Link to the paper. */
  readonly source?: string;
  /** Options next to `type`. */
  readonly options: Options;
}

/** A learning rate that is a function of the step. */
export interface StepSchedule<Options extends TObject = TObject> extends Described<Options> {
  readonly every: 'step';
  /** Rate of an update, counted from 0. */
  rateAt(options: Static<Options>, context: ScheduleContext, step: number): number;
}

/** What a schedule that looks at results has seen so far: part of the engine state. */
export interface PlateauState {
  readonly rate: number;
  /** Best value so far; NaN before the first. */
  readonly best: number;
  readonly wait: number;
  readonly cooldown: number;
}

/** A learning rate that depends on how the epochs went. */
export interface EpochSchedule<Options extends TObject = TObject> extends Described<Options> {
  readonly every: 'epoch';
  start(options: Static<Options>, context: ScheduleContext): PlateauState;
  /** After an epoch whose watched metric came out as `value`. */
  next(state: PlateauState, value: number, options: Static<Options>): PlateauState;
}

export type ScheduleDefinition<Options extends TObject = TObject> = StepSchedule<Options> | EpochSchedule<Options>;

/** Keeps the option type while checking the record. */
export function defineStepSchedule<Options extends TObject>(definition: StepSchedule<Options>): StepSchedule<Options> {
  return definition;
}

/** Keeps the option type while checking the record. */
export function defineEpochSchedule<Options extends TObject>(definition: EpochSchedule<Options>): EpochSchedule<Options> {
  return definition;
}
