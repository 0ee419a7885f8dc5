import { type Fault, faultsBelow, type ModelSpec, readGivenWeights } from '../engine/index.ts';
import type { TrainingRequestBody } from './training-request.ts';

type Draft = Partial<TrainingRequestBody>;

/** An evaluation looks once at every row: what a training decides about rows and epochs is settled. */
export function draftOfKind(draft: Draft): Draft {
  if (draft.kind !== 'evaluation') return draft;
  return { ...draft, training: { epochs: 1, ...draft.training }, split: { validation: 0 } };
}

/** What the kind of a job needs and cannot have. Looks at the body itself: what is there but unusable has its own fault. */
export function kindFaults(body: unknown, draft: Draft): Fault[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const has = (field: string) => Object.hasOwn(body, field);
  if (draft.kind !== 'evaluation') {
    const detail = 'A training needs "training", at least {"epochs": …}.';
    return has('training') ? [] : [{ pointer: '/training', code: 'missing_field', detail }];
  }
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
