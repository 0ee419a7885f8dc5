import type { ColumnSchema } from '../datasets/table.ts';
import { bytesAtOnce } from '../datasets/table-on-disk.ts';
import { encodedWidth, type WindowOptions } from '../preprocessing/index.ts';
import { targetColumns } from './training-request.ts';
import { instanceCount } from './window-request.ts';

/** The data of a job, as far as its size goes. */
export interface SizedData {
  readonly dataset: { readonly rows: number; readonly bytes: number; readonly schema: readonly ColumnSchema[] };
  readonly features: readonly string[];
  readonly target: string | readonly string[];
  readonly window?: WindowOptions | null;
}

/** Bytes of all rows, or windows, once they are encoded with their targets. */
export function encodedBytes({ dataset, features, target, window = null }: SizedData): number {
  const width = rowWidth(dataset.schema, features) * (window?.history ?? 1);
  const targets = targetColumns(target).length * (window?.horizon ?? 1);
  return instanceCount(dataset.rows, window) * (width + targets) * Float32Array.BYTES_PER_ELEMENT;
}

/** Parts of rows that are in memory together: to read into, to train on, and to gather what lies between. */
const PARTS_AT_ONCE = 3;
/** Of every row its numbers in the parts of a split and the order of an epoch, and one column while it is learned from. */
const ROW_BYTES = 32;

/** Memory the data of a job takes: all of it, or what is needed to train on it from disk. */
export function dataMemory(data: SizedData, datasetMemoryBytes: number): number {
  const { dataset, features, window = null } = data;
  const whole = dataset.bytes + encodedBytes(data);
  if (whole <= datasetMemoryBytes) return whole;
  // Windows are cut from rows that are in memory, once each.
  const rowBytes = window === null ? ROW_BYTES : ROW_BYTES + rowWidth(dataset.schema, features) * Float64Array.BYTES_PER_ELEMENT;
  return PARTS_AT_ONCE * bytesAtOnce(datasetMemoryBytes) + dataset.rows * rowBytes;
}

function rowWidth(schema: readonly ColumnSchema[], features: readonly string[]): number {
  const widths = new Map(schema.map((column) => [column.name, encodedWidth(column) ?? 0]));
  return features.reduce((sum, name) => sum + (widths.get(name) ?? 0), 0);
}
