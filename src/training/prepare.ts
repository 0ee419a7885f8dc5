import type { ColumnSchema, Table } from '../datasets/table.ts';
import type { TrainingData, TrainingOptions } from '../engine/index.ts';
import {
  encodeFeatures,
  encodeTargets,
  featureWidth,
  learnPreprocessing,
  listedValues,
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
  readonly training: Pick<TrainingOptions, 'loss' | 'sample_weight_column'>;
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
    ...labelsOfWeights(schema, targets),
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

/** The names by which class weights were checked: where the schema lists no labels they are called by their index. */
function labelsOfWeights(schema: readonly ColumnSchema[], targets: readonly string[]): Pick<TrainingData, 'labels'> {
  const labels = schema.find(({ name }) => name === targets[0]);
  const listed = labels && listedValues(labels);
  return listed ? { labels: listed.map(String) } : {};
}

/** The class of every row. Classes are those of all rows, so no split is needed to know them. */
function classesOf(columns: Omit<Parameters<typeof learnPreprocessing>[0], 'trainRows'>): Int32Array {
  const { target } = learnPreprocessing({ ...columns, features: [], trainRows: new Int32Array(0) });
  if (target.kind !== 'classes') throw new Error('only classes can be stratified');
  return Int32Array.from(encodeTargets({ features: [], target }, columns.table));
}
