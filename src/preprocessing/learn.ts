import { type Column, type ColumnSchema, findColumn, type Table } from '../datasets/table.ts';
import type { Task } from '../engine/index.ts';
import { classLabels } from './class-labels.ts';
import { cellReader, datetimeSeconds, listedValues } from './column-cells.ts';
import { columnMedian, columnMode, columnStatistics, type Statistics } from './column-statistics.ts';
import { encodedWidth } from './data-signature.ts';
import type { FeatureTransform, Label, Preprocessing, TargetTransform } from './preprocessing.ts';

export interface LearnRequest {
  readonly table: Table;
  readonly schema: readonly ColumnSchema[];
  /** Feature columns in the order of the encoded row. */
  readonly features: readonly string[];
  readonly targets: readonly string[];
  readonly task: Task;
  /** For a network with several outputs: each with its target column. */
  readonly outputs?: readonly LearnedOutput[];
  /** Statistics are taken from these rows only. */
  readonly trainRows: Int32Array;
  /** True leaves numeric targets in their units instead of standardising them. */
  readonly targetsAsGiven?: boolean;
}

export interface LearnedOutput {
  readonly output: string;
  readonly target: string;
  readonly task: Task;
  readonly targetsAsGiven: boolean;
}

/** Learns how rows are encoded. Columns and policies were checked before: an unknown column here is a broken invariant. */
export function learnPreprocessing(request: LearnRequest): Preprocessing {
  const { table, schema, features, trainRows } = request;
  let position = 0;
  const transforms = features.map((name) => {
    const { column, described } = lookUp(table, schema, name);
    // Rows that stand alone have no neighbours to fill a gap from.
    const policy = described.missing === 'interpolate' ? ({ ...described, missing: 'error' } as const) : described;
    const transform = learnFeature(column, policy, trainRows, position);
    position += transform.width;
    return transform;
  });
  const outputs = request.outputs?.map(({ output, target, task, targetsAsGiven }) => {
    return { name: output, target: learnTarget({ ...request, targets: [target], task, targetsAsGiven }) };
  });
  return { features: transforms, target: outputs?.[0]?.target ?? learnTarget(request), ...(outputs && { outputs }) };
}

const AS_GIVEN = { mean: 0, std: 1 };

/** A column with its description. */
export function lookUp(table: Table, schema: readonly ColumnSchema[], name: string): { column: Column; described: ColumnSchema } {
  const column = findColumn(table, name);
  const described = schema.find((candidate) => candidate.name === name);
  if (column === undefined || described === undefined) throw new Error(`the table has no column "${name}"`);
  return { column, described };
}

/** What is learned of one feature from these rows. */
export function learnFeature(column: Column, schema: ColumnSchema, rows: Int32Array, position: number): FeatureTransform {
  const cell = cellReader(column);
  const listed = listedValues(schema);
  const statistics = listed === null && schema.type !== 'sequence' ? columnStatistics(cell, rows) : null;
  const width = encodedWidth(schema);
  if (width === null) throw new Error(`column "${schema.name}" of type ${schema.type} cannot be encoded`);
  return {
    name: schema.name,
    type: schema.type,
    encode: schema.encode,
    mean: statistics?.mean ?? null,
    std: statistics?.std ?? null,
    min: statistics?.min ?? null,
    max: statistics?.max ?? null,
    categories: listed,
    missing: schema.missing,
    fill: learnFill(schema, cell, rows, { statistics, listed }),
    unknown: schema.unknown,
    mode: listed !== null && schema.unknown === 'mode' ? (listed[columnMode(cell, rows)] ?? null) : null,
    position,
    width,
  };
}

function learnFill(
  schema: ColumnSchema,
  cell: (row: number) => number,
  rows: Int32Array,
  { statistics, listed }: { statistics: Statistics | null; listed: readonly Label[] | null },
): Label | null {
  switch (schema.missing) {
    case 'error':
      return null;
    case 'mean':
      return statistics?.mean ?? null;
    case 'median':
      return columnMedian(cell, rows);
    case 'mode': {
      const mode = columnMode(cell, rows);
      return listed === null ? mode : (listed[mode] ?? null);
    }
    case 'interpolate':
      return null;
    case 'constant':
      return schema.type === 'datetime' ? datetimeSeconds(String(schema.fill)) : (schema.fill ?? null);
    default:
      return schema.missing satisfies never;
  }
}

function learnTarget({ table, schema, targets, task, trainRows, targetsAsGiven = false }: LearnRequest): TargetTransform {
  const columns = targets.map((name) => lookUp(table, schema, name));
  const [first] = columns;
  if (first === undefined) throw new Error('there is no target column');
  if (task === 'classification') {
    return { kind: 'classes', column: first.described.name, labels: classLabels(first.column, first.described) };
  }
  return {
    kind: 'numbers',
    columns: columns.map(({ column, described }) => {
      const { mean, std } = targetsAsGiven ? AS_GIVEN : columnStatistics(cellReader(column), trainRows);
      return { name: described.name, mean, std };
    }),
  };
}
