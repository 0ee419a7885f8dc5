import type { ColumnSchema } from '../datasets/table.ts';
import {
  checkSpec,
  checkTraining,
  type DataSignature,
  type Fault,
  faultsBelow,
  inferTask,
  type SpecLimits,
  type SpecReport,
  type Task,
  type TrainingOptions,
} from '../engine/index.ts';
import { dataSignature, defaultFeatures } from '../preprocessing/index.ts';

export interface TrainingLimits extends SpecLimits {
  readonly epochsMax: number;
}

/** The columns a network is to learn from and to predict. */
export interface NetworkColumns {
  readonly schema: readonly ColumnSchema[];
  readonly targets: readonly string[];
  /** Absent: every other column that can be encoded. */
  readonly features: readonly string[] | undefined;
}

export interface NetworkQuestion {
  readonly spec: unknown;
  /** Null when there is no dataset, or when it or its target is not known. */
  readonly columns: NetworkColumns | null;
  readonly task: Task | 'auto';
  /** Undefined when only the network is asked about. */
  readonly training: unknown;
  /** False when the job evaluates no validation rows. */
  readonly hasValidation: boolean;
  /** Null when the dataset is not known. */
  readonly trainRows: number | null;
  readonly limits: TrainingLimits;
}

/** All that is known about a network, its training and its columns together. Pointers are those of a job's body. */
export interface NetworkCheck {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly report: SpecReport;
  readonly task: Task;
  readonly features: readonly string[];
  readonly data: DataSignature | null;
  readonly training: TrainingOptions | null;
}

/**
 * Checks spec, training and columns against each other. The task decides how the target is encoded and so what the last layer
 * has to give, while for `auto` the last layer decides the task: the spec is therefore looked at twice.
 */
export function checkNetwork(question: NetworkQuestion): NetworkCheck {
  const { spec, columns, limits } = question;
  const task = question.task === 'auto' ? taskOf(question) : question.task;
  const chosen = columns === null ? null : choose(columns, task);
  const report = checkSpec({ spec, limits, ...(chosen?.data && { data: chosen.data }) });
  const training =
    question.training === undefined
      ? { faults: [], warnings: [], training: null }
      : checkTraining({
          training: question.training,
          report,
          task,
          validation: question.hasValidation,
          ...(question.trainRows !== null && { rows: question.trainRows }),
          limits,
          ...(chosen?.data && { target: chosen.data.target }),
        });
  return {
    faults: [...(chosen?.faults ?? []), ...faultsBelow('/spec', report.faults), ...faultsBelow('/training', training.faults)],
    warnings: [...(chosen?.warnings ?? []), ...faultsBelow('/spec', report.warnings), ...faultsBelow('/training', training.warnings)],
    report,
    task,
    features: chosen?.features ?? [],
    data: chosen?.data ?? null,
    training: training.training,
  };
}

/** Whether a network with its batches, gradients and the optimizer's slots fits the memory this server gives a job. */
export function arenaFaults(needed: number, { batch_size }: TrainingOptions, { arenaBytesMax }: TrainingLimits): Fault[] {
  if (needed <= arenaBytesMax) return [];
  const detail = `Training this network in batches of ${batch_size} needs ${needed} bytes, this server allows ${arenaBytesMax}. A smaller batch or network needs less.`;
  return [{ pointer: '/spec', code: 'limit_exceeded', detail, expected: arenaBytesMax, received: needed }];
}

function taskOf({ spec, columns, training, limits }: NetworkQuestion): Task {
  const targets = (columns?.schema ?? []).filter(({ name }) => columns?.targets.includes(name));
  const hasOnlyNumbers = targets.every(({ type }) => type === 'number' || type === 'integer');
  // Any task will do here: of this first look only the output layer counts.
  const data = columns && choose(columns, hasOnlyNumbers ? 'regression' : 'classification').data;
  const { output } = checkSpec({ spec, limits, ...(data && { data }) });
  const loss = typeof training === 'object' && training !== null && 'loss' in training ? training.loss : undefined;
  const described = targets.map(({ type, distinct }) => ({ type, ...(distinct !== null && { distinct }) }));
  // Without a target the last layer decides alone, as it does for a column of whole numbers.
  return inferTask({ output, loss, columns: described.length > 0 ? described : [{ type: 'integer' }] });
}

function choose({ schema, targets, features }: NetworkColumns, task: Task) {
  const names = features ?? defaultFeatures(schema, targets);
  const { data, faults } = dataSignature({ schema, features: names, targets, task });
  // Columns nobody named have no place in the body: what is wrong with them is wrong with the dataset.
  const placed = features === undefined ? faults.map(atDataset) : faults;
  return {
    features: names,
    data,
    faults: [...placed, ...tooFewClasses(data)],
    warnings: features === undefined ? leftOut(schema, targets, names) : [],
  };
}

function atDataset(fault: Fault): Fault {
  if (!fault.pointer.startsWith('/features')) return fault;
  const { suggestion: _, ...rest } = fault;
  return { ...rest, pointer: '/dataset' };
}

function tooFewClasses(data: DataSignature | null): Fault[] {
  if (data?.target.kind !== 'classes' || data.target.classes >= 2) return [];
  const detail = 'The target has the same value in every row: there is nothing to tell apart.';
  return [{ pointer: '/target', code: 'too_few_classes', detail, expected: 2, received: data.target.classes }];
}

const NAMES_SHOWN_MAX = 20;

function leftOut(schema: readonly ColumnSchema[], targets: readonly string[], features: readonly string[]): Fault[] {
  const used = new Set([...features, ...targets]);
  const names = schema.map(({ name }) => name).filter((name) => !used.has(name));
  if (names.length === 0) return [];
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => JSON.stringify(name));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const detail = `Left out of the features, because free text is not turned into numbers: ${shown.join(', ')}${more}.`;
  return [{ pointer: '/dataset', code: 'columns_left_out', detail, received: names }];
}
