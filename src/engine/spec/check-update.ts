/*
 * What options of the update have to do with network, target and data: optimizer, schedule, class weights, sample weights.
 */

import type { Fault } from '../faults.ts';
import { pointerTo } from '../json-schema.ts';
import type { LossName } from '../losses/index.ts';
import { nearest } from '../nearest.ts';
import type { TypedOptions } from '../trainer/training.ts';
import type { SpecReport, TargetSignature } from './model-spec.ts';
import type { PostedTraining } from './training-schema.ts';

export type UpdateOptions = Partial<
  Pick<PostedTraining, 'optimizer' | 'schedule' | 'class_weight' | 'sample_weight_column' | 'batch_size'>
>;

export interface UpdateCheck {
  readonly options: UpdateOptions;
  readonly report: SpecReport;
  readonly loss: LossName | null;
  readonly target: TargetSignature | null;
  /** Columns that can weigh rows. */
  readonly weightColumns: readonly string[];
  /** Metrics of this job that can be watched. */
  readonly watchable: readonly string[];
}

export function updateFaults(check: UpdateCheck): Fault[] {
  return [...perceptronFaults(check), ...scheduleFaults(check), ...classWeightFaults(check), ...sampleWeightFaults(check)];
}

/** Rosenblatt's rule is for one dense layer with the step function, row by row. */
function perceptronFaults({ options: { optimizer, batch_size }, report: { spec }, loss }: UpdateCheck): Fault[] {
  if (optimizer?.type !== 'perceptron' || !spec) return [];
  const [layer, activation, ...others] = spec.layers;
  const dense = layer?.type === 'dense' && others.length === 0;
  const stepped = activation ? activation['activation'] === 'step' && layer?.['activation'] === 'linear' : layer?.['activation'] === 'step';
  const path = '/optimizer';
  const faults: Fault[] = [];
  if (!dense || !stepped || loss !== 'perceptron') {
    const detail = 'The perceptron rule trains one dense layer with the activation step on a column of two classes, and nothing else.';
    const suggestion = [{ op: 'replace' as const, path, value: { type: 'adam' } }];
    faults.push({ pointer: `${path}/type`, code: 'optimizer_mismatch', detail, received: 'perceptron', suggestion });
  }
  if (batch_size !== undefined && batch_size !== 1) {
    const detail = `The perceptron rule takes row by row, the batch has ${batch_size} rows.`;
    const suggestion = [{ op: 'replace' as const, path: '/batch_size', value: 1 }];
    faults.push({ pointer: '/batch_size', code: 'optimizer_mismatch', detail, expected: 1, received: batch_size, suggestion });
  }
  return faults;
}

function scheduleFaults({ options: { schedule }, watchable }: UpdateCheck): Fault[] {
  if (!schedule) return [];
  switch (schedule.type) {
    case 'piecewise_constant':
      return piecewiseFaults(schedule);
    case 'lr_range_test':
      return rangeFaults(schedule);
    case 'reduce_on_plateau':
      return plateauFaults(schedule, watchable);
    default:
      return [];
  }
}

function piecewiseFaults({ boundaries, values }: TypedOptions): Fault[] {
  const [steps, rates] = [numbersIn(boundaries), numbersIn(values)];
  const ascending = steps.every((step, i) => i === 0 || step > steps[i - 1]!);
  const faults: Fault[] = [];
  if (!ascending) faults.push({ pointer: '/schedule/boundaries', code: 'schedule_mismatch', detail: 'The boundaries must ascend.' });
  if (rates.length !== steps.length + 1) {
    const detail = `${steps.length} boundaries separate ${steps.length + 1} values, received ${rates.length}.`;
    const shared = { expected: steps.length + 1, received: rates.length };
    faults.push({ pointer: '/schedule/values', code: 'schedule_mismatch', detail, ...shared });
  }
  return faults;
}

function rangeFaults({ min_learning_rate: min, max_learning_rate: max }: TypedOptions): Fault[] {
  if (Number(max) > Number(min)) return [];
  const detail = `The sweep must go up: max_learning_rate is ${max}, min_learning_rate is ${min}.`;
  return [{ pointer: '/schedule/max_learning_rate', code: 'schedule_mismatch', detail, received: max }];
}

function plateauFaults({ metric }: TypedOptions, watchable: readonly string[]): Fault[] {
  return typeof metric === 'string' ? watchedFaults(metric, watchable, '/schedule/metric') : [];
}

/** A metric to be watched must be one the job computes. */
export function watchedFaults(metric: string, watchable: readonly string[], path: string): Fault[] {
  if (watchable.includes(metric)) return [];
  const meant = nearest(metric, watchable);
  return [
    {
      pointer: path,
      code: 'metric_mismatch',
      detail: `This job does not compute ${JSON.stringify(metric)}. It computes ${watchable.join(', ')}.`,
      expected: watchable,
      received: metric,
      ...(meant !== undefined && { suggestion: [{ op: 'replace', path, value: meant }] }),
    },
  ];
}

function classWeightFaults({ options: { class_weight }, target }: UpdateCheck): Fault[] {
  if (!class_weight || !target) return [];
  const path = '/class_weight';
  if (target.kind !== 'classes') {
    const detail = 'Class weights are for a class target, this one holds numbers.';
    return [{ pointer: path, code: 'unknown_class', detail, suggestion: [{ op: 'remove', path }] }];
  }
  const known = target.labels ?? Array.from({ length: target.classes }, (_, c) => String(c));
  return Object.keys(class_weight)
    .filter((name) => !known.includes(name))
    .map((name): Fault => {
      const [pointer, meant] = [pointerTo(path, name), nearest(name, known)];
      const move = meant === undefined ? [] : [{ op: 'add' as const, path: pointerTo(path, meant), value: class_weight[name] }];
      const detail = `The target has no class ${JSON.stringify(name)}. Its classes are ${known.join(', ')}.`;
      return {
        pointer,
        code: 'unknown_class',
        detail,
        expected: known,
        received: name,
        suggestion: [{ op: 'remove', path: pointer }, ...move],
      };
    });
}

function sampleWeightFaults({ options: { sample_weight_column: column }, weightColumns }: UpdateCheck): Fault[] {
  if (typeof column !== 'string' || weightColumns.includes(column)) return [];
  const path = '/sample_weight_column';
  const meant = nearest(column, weightColumns);
  return [
    {
      pointer: path,
      code: 'weights_unavailable',
      detail: `Rows cannot be weighed by ${JSON.stringify(column)}. Columns that can: ${weightColumns.join(', ') || 'none'}.`,
      expected: weightColumns,
      received: column,
      suggestion: [meant === undefined ? { op: 'remove', path } : { op: 'replace', path, value: meant }],
    },
  ];
}

function numbersIn(list: unknown): number[] {
  return Array.isArray(list) ? list.map(Number) : [];
}
