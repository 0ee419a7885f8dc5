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
  type TargetSignature,
  type Task,
  type TrainingOptions,
} from '../engine/index.ts';
import { dataSignature, defaultFeatures, type WindowOptions } from '../preprocessing/index.ts';
import { atInput, columnsOfInputs, inputColumnFaults, type OutputTarget, pairOutputs } from './network-columns.ts';
import { engineTask, type JobTask } from './training-request.ts';
import { forecastSpec, forecastTraining } from './window-request.ts';

export interface TrainingLimits extends SpecLimits {
  readonly epochsMax: number;
  /** Data that would take more is trained on from disk. */
  readonly datasetMemoryBytes: number;
}

/** The columns a network is to learn from and to predict. */
export interface NetworkColumns {
  readonly schema: readonly ColumnSchema[];
  readonly targets: readonly string[];
  /** Absent: every other column that can be encoded. */
  readonly features: readonly string[] | undefined;
  /** The column that weighs the rows: none to learn from, unless it is named as a feature. */
  readonly weights?: string | undefined;
  readonly window?: WindowOptions | null;
  /** Columns of each input, where the inputs name them. */
  readonly inputs?: readonly (readonly string[])[] | null;
}

export interface NetworkQuestion {
  readonly spec: unknown;
  /** Null when there is no dataset, or when it or its target is not known. */
  readonly columns: NetworkColumns | null;
  readonly task: JobTask | 'auto';
  /** Given for a forecast. */
  readonly window?: WindowOptions | null;
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
  readonly task: JobTask;
  readonly features: readonly string[];
  readonly data: DataSignature | null;
  /** For a network with several outputs. */
  readonly outputs?: readonly OutputTarget[];
  readonly training: TrainingOptions | null;
}

/**
 * Checks spec, training and columns against each other. The task decides how the target is encoded and so what the last layer
 * has to give, while for `auto` the last layer decides the task: the spec is therefore looked at twice.
 */
export function checkNetwork(question: NetworkQuestion): NetworkCheck {
  const { limits, window = null } = question;
  const { columns, jobTask, outputs, chosen } = readColumns(question);
  const spec = window === null ? question.spec : forecastSpec(question.spec, window, chosen?.data?.features);
  const report = checkSpec({ spec, limits, ...(chosen?.data && { data: chosen.data }) });
  const training =
    question.training === undefined
      ? { faults: [], warnings: [], training: null }
      : checkTraining({
          training: window === null ? question.training : forecastTraining(question.training),
          report,
          task: engineTask(jobTask),
          validation: question.hasValidation,
          ...(question.trainRows !== null && { rows: question.trainRows }),
          limits,
          ...(chosen?.data && targetsOf(chosen.data, question.training)),
          // Without a dataset any column may be there.
          weightColumns: columns === null ? [weightsColumn(question.training) ?? ''] : columnsThatWeigh(columns),
        });
  return {
    faults: [...(chosen?.faults ?? []), ...faultsBelow('/spec', report.faults), ...faultsBelow('/training', training.faults)],
    warnings: [...(chosen?.warnings ?? []), ...faultsBelow('/spec', report.warnings), ...faultsBelow('/training', training.warnings)],
    report,
    task: jobTask,
    features: chosen?.features ?? [],
    data: chosen?.data ?? null,
    ...(outputs && { outputs }),
    training: training.training,
  };
}

/** The columns a network is asked to learn from and to predict, as it takes them. */
function readColumns(question: NetworkQuestion) {
  const { spec, task, training, limits, window = null } = question;
  const columns = question.columns && { ...question.columns, weights: weightsColumn(training), window, inputs: columnsOfInputs(spec) };
  const firstTask = task === 'forecasting' ? 'regression' : task;
  const outputs = columns && pairOutputs({ spec, training, limits, ...columns, task: firstTask });
  const jobTask = outputs?.[0]?.task ?? taskOf({ ...question, columns });
  return { columns, jobTask, outputs, chosen: columns && choose(columns, engineTask(jobTask), outputs) };
}

/** Memory of a job: the network with its batches, gradients and the optimizer's slots, and the data. */
export interface JobMemory {
  readonly network: number;
  readonly data: number;
}

/** Whether a job fits the memory this server gives it. */
export function memoryFaults({ network, data }: JobMemory, { batch_size }: TrainingOptions, { arenaBytesMax }: TrainingLimits): Fault[] {
  const needed = network + data;
  if (needed <= arenaBytesMax) return [];
  const ofData = data > 0 ? `, ${data} of them for the data` : '';
  const detail = `Training this network in batches of ${batch_size} needs ${needed} bytes${ofData}; this server allows ${arenaBytesMax}. A smaller batch or network needs less.`;
  return [{ pointer: '/spec', code: 'limit_exceeded', detail, expected: arenaBytesMax, received: needed }];
}

function taskOf({ task, window, spec, columns, training, limits }: NetworkQuestion): JobTask {
  if (window) return 'forecasting';
  if (task !== 'auto') return task;
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

function weightsColumn(training: unknown): string | undefined {
  const asked: unknown = Object(training).sample_weight_column;
  return typeof asked === 'string' ? asked : undefined;
}

/** Which numbers a column of numbers has for classes shows when it is read; until then those that are named are believed. */
function named(target: TargetSignature, training: unknown): TargetSignature {
  const asked: unknown = Object(training).class_weight;
  if (target.kind !== 'classes' || target.labels !== undefined || typeof asked !== 'object' || asked === null) return target;
  return { ...target, labels: Object.keys(asked) };
}

/** Columns whose numbers can weigh rows: complete, and with no other part in the training. */
function columnsThatWeigh({ schema, targets, features = [] }: NetworkColumns): string[] {
  const taken = new Set([...targets, ...features]);
  const fits = ({ name, type, missing_rows }: ColumnSchema) =>
    (type === 'number' || type === 'integer') && missing_rows === 0 && !taken.has(name);
  return schema.filter(fits).map(({ name }) => name);
}

/** What the check of a training is told of the targets. */
function targetsOf({ target, targets }: DataSignature, training: unknown) {
  const first = named(target, training);
  return { target: first, ...(targets && { targets: [first, ...targets.slice(1)] }) };
}

function choose(columns: NetworkColumns, task: Task, outputs: readonly OutputTarget[] | null = null) {
  const { schema, targets, features: asked, weights, window = null, inputs = null } = columns;
  const features = inputs?.flat() ?? asked;
  // Forecasts learn from the past of their targets, but not from what merely orders the rows.
  const withPart = [...(window === null ? targets : []), weights ?? [], window?.order_by ?? []].flat();
  const names = features ?? defaultFeatures(window === null ? schema : schema.filter(({ type }) => type !== 'sequence'), withPart);
  const { data, faults } = dataSignature({
    schema,
    features: names,
    targets,
    task,
    ownTasks: outputs?.map(({ task: own }) => own),
    inputs,
    window,
  });
  const placed = inputs
    ? [...inputColumnFaults(inputs, { features: asked, windowed: window !== null }), ...faults.map((fault) => atInput(fault, inputs))]
    : // Columns nobody named have no place in the body: what is wrong with them is wrong with the dataset.
      features === undefined
      ? faults.map(atDataset)
      : faults;
  return {
    features: names,
    data,
    faults: [...placed, ...tooFewClasses(data)],
    warnings:
      features === undefined ? leftOut(schema, { withPart, features: names, reason: window === null ? ONLY_TEXT : TEXT_AND_LISTS }) : [],
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

const ONLY_TEXT = 'free text is not turned into numbers';
const TEXT_AND_LISTS = 'windows hold neither free text nor lists';

function leftOut(
  schema: readonly ColumnSchema[],
  { withPart, features, reason }: { withPart: readonly string[]; features: readonly string[]; reason: string },
): Fault[] {
  const used = new Set([...features, ...withPart]);
  const names = schema.map(({ name }) => name).filter((name) => !used.has(name));
  if (names.length === 0) return [];
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => JSON.stringify(name));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const detail = `Left out of the features, because ${reason}: ${shown.join(', ')}${more}.`;
  return [{ pointer: '/dataset', code: 'columns_left_out', detail, received: names }];
}
