import type { ColumnSchema, Table } from '../datasets/table.ts';
import type { Split, TrainingData } from '../engine/index.ts';
import {
  encodeFeatures,
  encodeTargets,
  featureWidth,
  learnPreprocessing,
  type Preprocessing,
  targetMean,
  targetStd,
} from '../preprocessing/index.ts';
import { splitRows } from './split.ts';
import { type TrainingRequest, targetColumns } from './training-request.ts';

/** Everything the trainer needs of a dataset, and what travels with the weights. */
export interface PreparedTraining {
  readonly data: TrainingData;
  readonly split: Split;
  readonly preprocessing: Preprocessing;
}

/**
 * Splits the rows, learns the preprocessing from the training part and encodes all of them. The same request on the same
 * table gives the same bytes: a job taken up again prepares its data anew.
 */
export function prepareTraining({
  request,
  table,
  schema,
}: {
  request: Pick<TrainingRequest, 'target' | 'features' | 'task' | 'split'>;
  table: Table;
  schema: readonly ColumnSchema[];
}): PreparedTraining {
  const targets = targetColumns(request.target);
  const columns = { table, schema, features: request.features, targets, task: request.task };
  const split = splitRows(table.rows, request.split, request.split.strategy === 'stratified' ? classesOf(columns) : undefined);
  const preprocessing = learnPreprocessing({ ...columns, trainRows: split.train });
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
  };
  return { data, split, preprocessing };
}

/** The class of every row. Classes are those of all rows, so no split is needed to know them. */
function classesOf(columns: Omit<Parameters<typeof learnPreprocessing>[0], 'trainRows'>): Int32Array {
  const { target } = learnPreprocessing({ ...columns, features: [], trainRows: new Int32Array(0) });
  if (target.kind !== 'classes') throw new Error('only classes can be stratified');
  return Int32Array.from(encodeTargets({ features: [], target }, columns.table));
}
