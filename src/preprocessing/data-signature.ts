import type { ColumnSchema } from '../datasets/table.ts';
import { type DataSignature, type Fault, nearest, pointerTo, type TargetSignature, type Task } from '../engine/index.ts';
import { listedValues } from './column-cells.ts';
import type { WindowOptions } from './preprocessing.ts';

/** How many places a column takes in an encoded row, or null when it cannot be a feature. Known from the schema alone. */
export function encodedWidth(schema: ColumnSchema): number | null {
  if (schema.type === 'sequence') return schema.length || null;
  const listed = listedValues(schema);
  if (listed === null) return schema.type === 'text' ? null : 1;
  return schema.encode === 'one_hot' ? listed.length + (schema.unknown === 'bucket' ? 1 : 0) : 1;
}

/** The features a job has when it names none: every column that can be encoded, but the targets. */
export function defaultFeatures(schema: readonly ColumnSchema[], targets: readonly string[]): string[] {
  return schema.filter((column) => !targets.includes(column.name) && encodedWidth(column) !== null).map(({ name }) => name);
}

/** What the network is trained to give for these target columns, or null when they do not fit the task. */
function targetSignature(targets: readonly ColumnSchema[], task: Task): TargetSignature | null {
  const [first] = targets;
  if (first === undefined) return null;
  if (task === 'regression') {
    return targets.every(({ type }) => type === 'number' || type === 'integer') ? { kind: 'numbers', outputs: targets.length } : null;
  }
  if (first.type === 'sequence') return null;
  const labels = listedValues(first)?.map(String);
  const classes = labels?.length ?? first.distinct;
  return targets.length === 1 && classes !== null ? { kind: 'classes', classes, ...(labels && { labels }) } : null;
}

/** Faults of features looked for: each unknown name is compared with all columns. */
const FAULTS_MAX = 100;

export interface DataRequest {
  readonly schema: readonly ColumnSchema[];
  readonly features: readonly string[];
  readonly targets: readonly string[];
  readonly task: Task;
  /** For a network with several outputs: the task of each target. */
  readonly ownTasks?: readonly Task[] | undefined;
  /** Columns of each input, where the inputs name them. */
  readonly inputs?: readonly (readonly string[])[] | null;
  /** For a forecast. */
  readonly window?: WindowOptions | null;
}

/** What a spec is checked against, or what is wrong with the choice of columns. Pointers are those of a job's body. */
export function dataSignature({ schema, features, targets, task, ownTasks, inputs = null, window = null }: DataRequest): {
  data: DataSignature | null;
  faults: readonly Fault[];
} {
  const known = new Map(schema.map((column) => [column.name, column]));
  const featureFaults: Fault[] = [];
  for (const [place, name] of features.entries()) {
    featureFaults.push(...featureFaultsOf(name, { known, others: targets, window, pointer: pointerTo('/features', place) }));
    if (featureFaults.length > FAULTS_MAX) break;
  }
  const targetPointer = (place: number) => (targets.length === 1 ? '/target' : pointerTo('/target', place));
  const targetFaults = targets.flatMap((name, place) =>
    targetFaultsOf(name, { known, others: features, window, pointer: targetPointer(place) }),
  );
  const faults = [...featureFaults, ...targetFaults];
  if (features.length === 0) {
    faults.push({
      pointer: '/features',
      code: 'no_features',
      detail: 'No column is left to learn from: none beside the target can be encoded.',
    });
  }
  if (faults.length > 0) return { data: null, faults };
  const chosen = targets.flatMap((name) => known.get(name) ?? []);
  const widthAll = (names: readonly string[]) => names.reduce((sum, name) => sum + widthOf(known.get(name)), 0);
  const width = widthAll(features);
  const own = inputs && { inputs: inputs.map(widthAll) };
  if (ownTasks) return severalTargets(chosen, ownTasks, { features: width, ...own });
  const target = targetSignature(chosen, task);
  if (target === null) return { data: null, faults: [taskFault(chosen, task)] };
  if (window === null || target.kind !== 'numbers') return { data: { features: width, ...own, target }, faults: [] };
  return { data: { features: width * window.history, target: { ...target, outputs: target.outputs * window.horizon } }, faults: [] };
}

/** Each target by itself: it belongs to an output of its own. */
function severalTargets(columns: readonly ColumnSchema[], tasks: readonly Task[], rows: Pick<DataSignature, 'features' | 'inputs'>) {
  const signatures = columns.map((column, i) => targetSignature([column], tasks[i] ?? 'regression'));
  const faults = columns.flatMap((column, i) =>
    signatures[i] === null ? [{ ...taskFault([column], tasks[i] ?? 'regression'), pointer: pointerTo('/target', i) }] : [],
  );
  const targets = signatures.filter((target) => target !== null);
  const [target] = targets;
  if (faults.length > 0 || target === undefined) return { data: null, faults };
  return { data: { ...rows, target, targets }, faults };
}

function widthOf(column: ColumnSchema | undefined): number {
  return column === undefined ? 0 : (encodedWidth(column) ?? 0);
}

interface ColumnPlace {
  readonly known: ReadonlyMap<string, ColumnSchema>;
  /** The columns of the other side: targets of a feature, features of a target. */
  readonly others: readonly string[];
  readonly window: WindowOptions | null;
  readonly pointer: string;
}

function featureFaultsOf(name: string, { known, others, window, pointer }: ColumnPlace): Fault[] {
  const column = known.get(name);
  if (column === undefined) return [unknownColumn(name, known, pointer)];
  if (window === null && others.includes(name)) {
    return [{ pointer, code: 'target_among_features', detail: `"${name}" is the target: a network that sees it has nothing to learn.` }];
  }
  if (window !== null && column.type === 'sequence') {
    const detail = `"${name}" holds lists of its own; a window is made of rows of single values.`;
    return [{ pointer, code: 'not_encodable', detail, received: column.type }];
  }
  if (encodedWidth(column) === null) {
    const detail = `"${name}" is a text column, which has no encoding; leave it out, or declare it a category in the dataset's schema.`;
    return [{ pointer, code: 'not_encodable', detail, received: column.type }];
  }
  return column.missing_rows > 0 && !isFilled(column, window) ? [missingValues(column, pointer)] : [];
}

/** Whether something becomes of a column's missing values. Gaps are filled between neighbours, which windows have. */
function isFilled(column: ColumnSchema, window: WindowOptions | null): boolean {
  return column.missing === 'error' || column.missing === 'interpolate' ? isInterpolated(column, window) : true;
}

function isInterpolated({ type, missing }: ColumnSchema, window: WindowOptions | null): boolean {
  if (window === null || (type !== 'number' && type !== 'integer')) return false;
  return missing === 'interpolate' || (missing === 'error' && window.interpolate);
}

function targetFaultsOf(name: string, { known, others, window, pointer }: ColumnPlace): Fault[] {
  const column = known.get(name);
  if (column === undefined) return [unknownColumn(name, known, pointer)];
  if (window !== null && !others.includes(name)) {
    const detail = `"${name}" is forecast from its own past, so it is a feature as well.`;
    const suggestion = [{ op: 'add', path: '/features/-', value: name } as const];
    return [{ pointer: '/features', code: 'missing_column', detail, expected: name, suggestion }];
  }
  return column.missing_rows > 0 && !isInterpolated(column, window) ? [missingValues(column, pointer)] : [];
}

/** A fault for a column the data does not have, with the one that was probably meant. */
function unknownColumn(name: string, known: ReadonlyMap<string, ColumnSchema>, pointer: string): Fault {
  const meant = nearest(name, known.keys());
  return {
    pointer,
    code: 'unknown_column',
    detail: `The dataset has no column "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
    expected: [...known.keys()].slice(0, 50),
    received: name,
    ...(meant !== undefined && { suggestion: [{ op: 'replace', path: pointer, value: meant }] }),
  };
}

function missingValues({ name, missing_rows }: ColumnSchema, pointer: string): Fault {
  return {
    pointer,
    code: 'missing_value',
    detail: `"${name}" has no value in ${missing_rows} row(s). Choose what becomes of them with \`missing\` in the dataset's schema (\`interpolate\` for forecasts), or leave the rows or the column out.`,
    received: missing_rows,
  };
}

function taskFault(targets: readonly ColumnSchema[], task: Task): Fault {
  const kinds = targets.map(({ name, type }) => `"${name}" (${type})`).join(', ');
  const needs = task === 'regression' ? 'columns of numbers' : 'one column with at most 1000 different values';
  return { pointer: '/target', code: 'target_mismatch', detail: `A ${task} needs ${needs} as its target, received ${kinds}.` };
}
