import { DEFAULT_RANGE, type Fault, faultsBelow, type ModelSpec, readGivenWeights } from '../engine/index.ts';
import type { TrainingRequestBody } from './training-request.ts';

type Draft = Partial<TrainingRequestBody>;

/**
 * The draft with what its kind settles. An evaluation looks once at every row; a range test has a schedule of its own, and only
 * the losses of its updates count.
 */
export function draftOfKind(draft: Draft): Draft {
  switch (draft.kind) {
    case 'evaluation':
      return { ...draft, training: { epochs: 1, ...draft.training }, split: { validation: 0 } };
    case 'lr_range_test': {
      const { schedule, ...training } = draft.training ?? {};
      return { ...draft, training: { epochs: 1, metrics: [], ...training, schedule: sweepOf(schedule) } };
    }
    default:
      return draft;
  }
}

const SWEEP = 'lr_range_test';
const SWEEP_UPDATES_MAX = 10_000;

/** The schedule of a range test as far as it was posted; what is no schedule is left to the check of the training. */
function sweepOf(schedule: unknown): unknown {
  if (schedule === undefined || schedule === null) return { type: SWEEP, iterations: DEFAULT_RANGE.iterations };
  const isSweep = typeof schedule === 'object' && 'type' in schedule && schedule.type === SWEEP;
  return isSweep ? { iterations: DEFAULT_RANGE.iterations, ...schedule } : schedule;
}

/** What the kind of a job needs and cannot have. Looks at the body itself: what is there but unusable has its own fault. */
export function kindFaults(body: unknown, draft: Draft): Fault[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const has = (field: string) => Object.hasOwn(body, field);
  switch (draft.kind) {
    case 'evaluation':
      return evaluationFaults(has);
    case 'lr_range_test':
      return rangeTestFaults(has, draft);
    default: {
      const detail = 'A training needs "training", at least {"epochs": …}.';
      return has('training') ? [] : [{ pointer: '/training', code: 'missing_field', detail }];
    }
  }
}

function rangeTestFaults(has: (field: string) => boolean, { training }: Draft): Fault[] {
  const faults: Fault[] = [];
  for (const [field, detail] of [
    ['on_success', 'A range test leaves no weights, and so no version of a model.'],
    ['diagnostics', 'A range test has no epochs after which layers could be looked at.'],
  ] as const) {
    const pointer = `/${field}`;
    if (has(field)) faults.push({ pointer, code: 'conflicting_fields', detail, suggestion: [{ op: 'remove', path: pointer }] });
  }
  const schedule: { type?: unknown; iterations?: unknown } = Object(training?.['schedule']);
  if (typeof schedule.type === 'string' && schedule.type !== SWEEP) {
    const path = '/training/schedule';
    const detail = `A range test sweeps the learning rate itself: its schedule is ${SWEEP}, or left out.`;
    const suggestion = [{ op: 'remove', path } as const];
    faults.push({ pointer: `${path}/type`, code: 'conflicting_fields', detail, expected: SWEEP, received: schedule.type, suggestion });
  }
  return [...faults, ...lengthFaults(schedule)];
}

/** Every update is a row of the result. */
function lengthFaults({ iterations }: { iterations?: unknown }): Fault[] {
  if (typeof iterations !== 'number' || iterations <= SWEEP_UPDATES_MAX) return [];
  const pointer = '/training/schedule/iterations';
  const detail = `A range test takes ${SWEEP_UPDATES_MAX} updates at most, received ${iterations}.`;
  const suggestion = [{ op: 'replace', path: pointer, value: SWEEP_UPDATES_MAX } as const];
  return [{ pointer, code: 'limit_exceeded', detail, expected: SWEEP_UPDATES_MAX, received: iterations, suggestion }];
}

function evaluationFaults(has: (field: string) => boolean): Fault[] {
  const faults: Fault[] = [];
  if (!has('initial_weights')) {
    const detail = 'An evaluation measures given weights: name them all in "initial_weights".';
    faults.push({ pointer: '/initial_weights', code: 'missing_field', detail });
  }
  if (has('split')) {
    const detail = 'An evaluation measures all rows: there is nothing to split.';
    faults.push({ pointer: '/split', code: 'conflicting_fields', detail, suggestion: [{ op: 'remove', path: '/split' }] });
  }
  return faults;
}

/** What is wrong with the given weights of a network that is right itself. */
export function givenWeightFaults({ kind, initial_weights: given }: Draft, spec: ModelSpec | null): Fault[] {
  // Without a dataset, or with faults of the columns, a spec may not know its input, and so not the shapes of its weights.
  if (given === undefined || spec === null || (spec.input_shape === undefined && spec.inputs === undefined)) return [];
  return [...faultsBelow('/initial_weights', readGivenWeights({ spec, given, complete: kind === 'evaluation' }).faults)];
}
