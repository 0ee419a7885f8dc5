import type { ColumnSchema, Table } from '../datasets/table.ts';
import { pointerTo, type TrainingData, type TrainingOptions } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import {
  encodeFeatures,
  encodeTargets,
  featureWidth,
  learnPreprocessing,
  type Preprocessing,
  targetMean,
  targetStd,
} from '../preprocessing/index.ts';
import { prepareWindows } from './prepare-windows.ts';
import type { PreparedTraining } from './prepared-training.ts';
import { rowWeights } from './row-weights.ts';
import { splitRows } from './split.ts';
import { engineTask, type TrainingRequest, targetColumns } from './training-request.ts';

/** What of a request decides how its rows are prepared. */
type PreparedRequest = Pick<TrainingRequest, 'kind' | 'target' | 'features' | 'task' | 'split'> & {
  readonly window?: TrainingRequest['window'];
  readonly training: Pick<TrainingOptions, 'loss' | 'sample_weight_column' | 'class_weight'>;
};

/**
 * Splits the rows, learns the preprocessing from the training part and encodes all of them. The same request on the same
 * table gives the same bytes: a job taken up again prepares its data anew.
 */
export function prepareTraining({
  request,
  table,
  schema: stored,
}: {
  request: PreparedRequest;
  table: Table;
  schema: readonly ColumnSchema[];
}): PreparedTraining {
  const { training, window } = request;
  if (window) return prepareWindows({ request, window, table, schema: stored });
  const isEvaluation = request.kind === 'evaluation';
  const schema = isEvaluation ? stored.map(asGiven) : stored;
  const targets = targetColumns(request.target);
  const columns = { table, schema, features: request.features, targets, task: engineTask(request.task) };
  const split = splitRows(table.rows, request.split, request.split.strategy === 'stratified' ? classesOf(columns) : undefined);
  const preprocessing = learnPreprocessing({
    ...columns,
    trainRows: split.train,
    targetsAsGiven: isEvaluation || isOfUnits(training.loss),
  });
  const encodedTargets = encodeTargets(preprocessing, table);
  const std = targetStd(preprocessing);
  const mean = targetMean(preprocessing);
  const data: TrainingData = {
    rows: table.rows,
    featureWidth: featureWidth(preprocessing),
    features: encodeFeatures(preprocessing, table),
    targetWidth: preprocessing.target.kind === 'classes' ? 1 : preprocessing.target.columns.length,
    targets: encodedTargets,
    ...(std !== undefined && { targetStd: std }),
    ...(mean !== undefined && { targetMean: mean }),
    ...(training.sample_weight_column && { sampleWeights: rowWeights(table, training.sample_weight_column) }),
    ...namedClasses(preprocessing, training),
  };
  return { data, split, preprocessing };
}

/** Weights that were not learned from this data are for its columns as they are. */
function asGiven(column: ColumnSchema): ColumnSchema {
  return column.encode === 'standardize' || column.encode === 'minmax' ? { ...column, encode: 'none' } : column;
}

/** Losses that mean the numbers of a column themselves: probabilities, counts, signs. */
const LOSSES_OF_UNITS: ReadonlySet<string> = new Set(['binary_cross_entropy', 'kl_divergence', 'poisson', 'hinge']);

function isOfUnits(loss: TrainingOptions['loss']): boolean {
  return LOSSES_OF_UNITS.has(typeof loss === 'string' ? loss : loss.type);
}

/** Labels as class weights name them. Classes of a column of numbers are not known before: names of none are refused here. */
function namedClasses({ target }: Preprocessing, { class_weight }: Pick<TrainingOptions, 'class_weight'>): Pick<TrainingData, 'labels'> {
  if (target.kind !== 'classes') return {};
  const labels = target.labels.map(String);
  const unknown = Object.keys(class_weight ?? {}).filter((name) => !labels.includes(name));
  if (unknown.length === 0) return { labels };
  const errors = unknown.map((name) => ({
    pointer: pointerTo('/training/class_weight', name),
    code: 'unknown_class',
    detail: `The target has no class ${JSON.stringify(name)}.`,
    expected: labels,
    received: name,
  }));
  throw new AppError('spec_invalid', { detail: errors.map(({ detail }) => detail).join(' '), errors });
}

/** The class of every row. Classes are those of all rows, so no split is needed to know them. */
function classesOf(columns: Omit<Parameters<typeof learnPreprocessing>[0], 'trainRows'>): Int32Array {
  const { target } = learnPreprocessing({ ...columns, features: [], trainRows: new Int32Array(0) });
  if (target.kind !== 'classes') throw new Error('only classes can be stratified');
  return Int32Array.from(encodeTargets({ features: [], target }, columns.table));
}
