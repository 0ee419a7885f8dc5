import { type ColumnSchema, sliceTable, type Table } from '../datasets/table.ts';
import { type EncodedRows, type HeldData, pointerTo, type Split, type StoredData, type TrainingOptions } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import {
  encodeFeatures,
  encodeTargets,
  featureWidth,
  type LearnedOutput,
  learnPreprocessing,
  type Preprocessing,
  type TargetTransform,
  targetMean,
  targetStd,
} from '../preprocessing/index.ts';
import { cutWindows, holdWindows } from './prepare-windows.ts';
import type { PreparedTraining } from './prepared-training.ts';
import { createRowFile } from './row-file.ts';
import { rowWeights } from './row-weights.ts';
import { splitRows } from './split.ts';
import { engineTask, type TrainingRequest, targetColumns } from './training-request.ts';

/** What of a request decides how its rows are prepared. */
export type PreparedRequest = Pick<TrainingRequest, 'kind' | 'target' | 'outputs' | 'features' | 'task' | 'split'> & {
  readonly window?: TrainingRequest['window'];
  readonly training: Pick<TrainingOptions, 'loss' | 'outputs' | 'sample_weight_column' | 'class_weight'>;
};

export interface TrainingToPrepare {
  readonly request: PreparedRequest;
  readonly table: Table;
  readonly schema: readonly ColumnSchema[];
}

/**
 * Splits the rows, learns the preprocessing from the training part and encodes all of them. The same request on the same
 * table gives the same bytes: a job taken up again prepares its data anew.
 */
export function prepareTraining(asked: TrainingToPrepare): PreparedTraining<HeldData> {
  const { request, table, schema } = asked;
  if (request.window) return holdWindows({ request, window: request.window, table, schema });
  const learned = learn(asked);
  return { ...learned, data: { ...learned.data, ...encode(learned, asked, 0) } };
}

/** Memory and file that a training takes whose data is larger than memory. */
export interface RowStorage {
  /** An empty file, open for reading and writing. */
  readonly fd: number;
  readonly bytesAtOnce: number;
}

/** The same for a table that is read from a file: its rows are encoded part by part into another one, which the trainer reads. */
export function prepareStored(asked: TrainingToPrepare, { fd, bytesAtOnce }: RowStorage): PreparedTraining<StoredData> {
  const { request, table, schema } = asked;
  if (request.window) return cutWindows({ request, window: request.window, table, schema }, bytesAtOnce);
  const learned = learn(asked);
  const { featureWidth: features, targetWidth } = learned.data;
  const { target, outputs = [] } = learned.preprocessing;
  const typeOf = ({ kind }: TargetTransform) => (kind === 'classes' ? 'int32' : 'float32');
  const further = outputs.slice(1).map((output) => ({ width: 1, type: typeOf(output.target) }) as const);
  const isWeighed = Boolean(request.training.sample_weight_column);
  const parts = [
    { width: features, type: 'float32' },
    { width: targetWidth, type: typeOf(target) },
    ...further,
    ...(isWeighed ? [{ width: 1, type: 'float32' } as const] : []),
  ] as const;
  const file = createRowFile(fd, parts, bytesAtOnce);
  for (let from = 0; from < table.rows; from += file.rowsAtOnce) {
    const to = Math.min(from + file.rowsAtOnce, table.rows);
    const {
      features: encoded,
      targets,
      furtherTargets = [],
      sampleWeights,
    } = encode(learned, { ...asked, table: sliceTable(table, from, to) }, from);
    file.append([encoded, targets, ...furtherTargets, ...(sampleWeights ? [sampleWeights] : [])], to - from);
  }
  const read = (rows: Int32Array): EncodedRows => {
    const [encoded, targets, ...others] = file.read(rows);
    if (!(encoded instanceof Float32Array) || targets === undefined) throw new Error('the file of rows lacks a part');
    const weights = others[further.length];
    const furtherTargets = others.slice(0, further.length);
    return {
      features: encoded,
      targets,
      ...(further.length > 0 && { furtherTargets }),
      ...(weights instanceof Float32Array && { sampleWeights: weights }),
    };
  };
  return { ...learned, data: { ...learned.data, rowsPerRead: file.rowsAtOnce, read } };
}

interface Learned {
  readonly data: Omit<StoredData, 'read' | 'rowsPerRead'>;
  readonly split: Split;
  readonly preprocessing: Preprocessing;
}

/** Everything but the encoded rows. */
function learn({ request, table, schema: stored }: TrainingToPrepare): Learned {
  const { training } = request;
  const isEvaluation = request.kind === 'evaluation';
  const schema = isEvaluation ? stored.map(asGiven) : stored;
  const targets = targetColumns(request.target);
  const columns = { table, schema, features: request.features, targets, task: engineTask(request.task) };
  const split = splitRows(table.rows, request.split, request.split.strategy === 'stratified' ? { classes: classesOf(columns) } : {});
  const outputs = request.outputs?.map((output): LearnedOutput => {
    const loss = training.outputs?.[output.output]?.loss ?? training.loss;
    return { ...output, targetsAsGiven: isEvaluation || isOfUnits(loss) };
  });
  const preprocessing = learnPreprocessing({
    ...columns,
    ...(outputs && { outputs }),
    trainRows: split.train,
    targetsAsGiven: isEvaluation || isOfUnits(training.loss),
  });
  const std = targetStd(preprocessing);
  const mean = targetMean(preprocessing);
  const data = {
    rows: table.rows,
    featureWidth: featureWidth(preprocessing),
    targetWidth: preprocessing.target.kind === 'classes' ? 1 : preprocessing.target.columns.length,
    ...(std !== undefined && { targetStd: std }),
    ...(mean !== undefined && { targetMean: mean }),
    ...(preprocessing.outputs && { furtherUnits: preprocessing.outputs.slice(1).map(unitsOf) }),
    ...namedClasses(preprocessing, training),
  };
  return { data, split, preprocessing };
}

/** In what a further target is measured. */
function unitsOf(output: { readonly target: TargetTransform }) {
  return { std: targetStd(output), mean: targetMean(output) };
}

/** The rows of a table, which may be a slice that begins at `firstRow` of the whole. */
function encode({ preprocessing }: Learned, { request, table }: TrainingToPrepare, firstRow: number): EncodedRows {
  const { sample_weight_column: weights } = request.training;
  const targets = encodeTargets(preprocessing, table, firstRow);
  const furtherTargets = preprocessing.outputs?.slice(1).map((output) => encodeTargets(output, table, firstRow));
  return {
    features: encodeFeatures(preprocessing, table, firstRow),
    targets,
    ...(furtherTargets && { furtherTargets }),
    ...(weights && { sampleWeights: rowWeights(table, weights, firstRow) }),
  };
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
function namedClasses({ target }: Preprocessing, { class_weight }: Pick<TrainingOptions, 'class_weight'>): Pick<HeldData, 'labels'> {
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
  const { target } = learnPreprocessing({ ...columns, targets: columns.targets.slice(0, 1), features: [], trainRows: new Int32Array(0) });
  if (target.kind !== 'classes') throw new Error('only classes can be stratified');
  return Int32Array.from(encodeTargets({ target }, columns.table));
}
