import type { ColumnSchema, Table } from '../datasets/table.ts';
import { openTableFiles, type TableOnDisk } from '../datasets/table-on-disk.ts';
import { type PreparedRequest, prepareStored, prepareTraining } from './prepare.ts';
import type { PreparedTraining } from './prepared-training.ts';
import { targetColumns } from './training-request.ts';

/** The data of a training: the columns of the request at least; `schema` describes them in the same order. */
export interface DataToOpen {
  readonly request: PreparedRequest;
  readonly table: Table | TableOnDisk;
  readonly schema: readonly ColumnSchema[];
}

/** Data ready to be trained on, until it is closed. */
export interface OpenData extends PreparedTraining {
  readonly table: Table;
  close(): void;
}

/** Of a dataset only what a request names. Files are narrowed when they are opened. */
export function narrowData({ table, schema, request }: DataToOpen): Pick<DataToOpen, 'table' | 'schema'> {
  const isNeeded = neededBy(request);
  return {
    table: 'columns' in table ? { rows: table.rows, columns: table.columns.filter(isNeeded) } : table,
    schema: schema.filter(isNeeded),
  };
}

/** Prepares data from wherever it is. */
export function openData({ request, table, schema }: DataToOpen): OpenData {
  if ('columns' in table) return { ...prepareTraining({ request, table, schema }), table, close: () => undefined };
  const files = openTableFiles(table, neededBy(request));
  try {
    const prepared = prepareStored({ request, table: files.table, schema }, { fd: files.rowsFd, bytesAtOnce: table.bytesAtOnce });
    return { ...prepared, table: files.table, close: files.close };
  } catch (error) {
    files.close();
    throw error;
  }
}

function neededBy({ features, target, training, window }: PreparedRequest): (column: { readonly name: string }) => boolean {
  const others = [training.sample_weight_column ?? [], window?.order_by ?? []].flat();
  const needed = new Set([...features, ...targetColumns(target), ...others]);
  return ({ name }) => needed.has(name);
}
