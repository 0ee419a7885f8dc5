import { findColumn, isNumberColumn, type Table } from '../datasets/table.ts';
import { AppError } from '../errors.ts';

/**
 * The factor of each row's loss, from the column that holds it. Refuses weights below 0 or too large for the network's numbers.
 * `firstRow`: of a slice, the number of its first row in the whole table.
 */
export function rowWeights(table: Table, name: string, firstRow: number): Float32Array {
  const column = findColumn(table, name);
  if (column === undefined || !isNumberColumn(column)) throw new Error(`the table has no column "${name}" of numbers`);
  const weights = Float32Array.from(column.values);
  const wrong = weights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong < 0) return weights;
  const detail = `Rows are weighed by "${name}": row ${firstRow + wrong + 1} has ${column.values[wrong]}, where a weight is a number from 0 up.`;
  throw new AppError('dataset_invalid', { detail, errors: [{ column: name, code: 'out_of_range', detail }] });
}
