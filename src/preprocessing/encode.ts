import { parseSequence } from '../datasets/sequence-syntax.ts';
import { type Column, findColumn, type Table, type TextColumn } from '../datasets/table.ts';
import { AppError } from '../errors.ts';
import { classReader } from './class-labels.ts';
import { cellReader } from './column-cells.ts';
import { createCellEncoder } from './encode-cell.ts';
import { type FeatureTransform, type Preprocessing, stepWidth } from './preprocessing.ts';

/** Encodes all rows of a table to `(rows, width)`, row-major. `firstRow`: of a slice, the number of its first row in the whole table. */
export function encodeFeatures(preprocessing: Preprocessing, table: Table, firstRow = 0): Float32Array {
  const encoded = new Float32Array(table.rows * stepWidth(preprocessing));
  encodeRows(preprocessing, { table, rows: allRows(table), encoded, firstRow });
  return encoded;
}

/** Encodes rows into an array that is all zero, `(rows, width)`. */
export function encodeRows(
  preprocessing: Preprocessing,
  { table, rows, encoded, firstRow = 0 }: { table: Table; rows: Int32Array; encoded: Float32Array | Float64Array; firstRow?: number },
): void {
  const width = stepWidth(preprocessing);
  for (const transform of preprocessing.features) {
    const column = columnOf(table, transform.name);
    if (column.type === 'sequence') {
      encodeSequences(transform, column, { rows, encoded, width, firstRow });
      continue;
    }
    const cell = cellReader(column);
    const encode = createCellEncoder(transform);
    let at = transform.position;
    for (const row of rows) {
      if (!encode(cell(row), encoded, at)) throw unusable(transform, firstRow + row, cell(row));
      at += width;
    }
  }
}

/** Lists fill their places from the first on; the rest stays 0. */
function encodeSequences(
  transform: FeatureTransform,
  { dictionary, codes }: TextColumn,
  { rows, encoded, width, firstRow }: { rows: Int32Array; encoded: Float32Array | Float64Array; width: number; firstRow: number },
): void {
  for (const [place, row] of rows.entries()) {
    // Lists hardly ever repeat: each is read where it stands.
    const list = parseSequence(dictionary[codes[row] ?? -1] ?? '');
    if (!list) throw unusable(transform, firstRow + row, Number.NaN);
    encoded.set(list, place * width + transform.position);
  }
}

/**
 * Encodes the targets of all rows: class indices `(rows)` as Int32Array, or standardised numbers `(rows, columns)` as
 * Float32Array. `firstRow` as for features.
 */
export function encodeTargets({ target }: Pick<Preprocessing, 'target'>, table: Table, firstRow = 0): Float32Array | Int32Array {
  const rows = allRows(table);
  if (target.kind === 'classes') {
    const classOf = classReader(columnOf(table, target.column), target.labels);
    return rows.map((row) => presentTarget(classOf(row) < 0 ? Number.NaN : classOf(row), target.column, firstRow + row));
  }
  const encoded = new Float32Array(rows.length * target.columns.length);
  for (const [place, { name, mean, std }] of target.columns.entries()) {
    const cell = cellReader(columnOf(table, name));
    let at = place;
    for (const row of rows) {
      encoded[at] = presentTarget((cell(row) - mean) / std, name, firstRow + row);
      at += target.columns.length;
    }
  }
  return encoded;
}

/** Deviations the numeric targets were divided by, for metrics in the columns' units; undefined for classes. */
export function targetStd({ target }: Pick<Preprocessing, 'target'>): Float64Array | undefined {
  return target.kind === 'numbers' ? Float64Array.from(target.columns, ({ std }) => std) : undefined;
}

/** Means that were taken from the numeric targets; undefined for classes. */
export function targetMean({ target }: Pick<Preprocessing, 'target'>): Float64Array | undefined {
  return target.kind === 'numbers' ? Float64Array.from(target.columns, ({ mean }) => mean) : undefined;
}

function columnOf(table: Table, name: string): Column {
  const column = findColumn(table, name);
  if (column === undefined) throw new Error(`the table has no column "${name}"`);
  return column;
}

function allRows({ rows }: Table): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row);
}

function presentTarget(value: number, column: string, row: number): number {
  if (Number.isFinite(Math.fround(value))) return value;
  const detail = `The target "${column}" has no usable value in row ${row + 1}.`;
  throw new AppError('dataset_invalid', { detail, errors: [{ column, code: 'missing_value', detail }] });
}

function unusable({ name }: FeatureTransform, row: number, value: number): AppError {
  const detail = Number.isNaN(value)
    ? `"${name}" has no value in row ${row + 1}, and its \`missing\` policy is error.`
    : `The value ${value} of "${name}" in row ${row + 1} is too far from the others to be encoded.`;
  return new AppError('dataset_invalid', {
    detail,
    errors: [{ column: name, code: Number.isNaN(value) ? 'missing_value' : 'out_of_range', detail }],
  });
}
