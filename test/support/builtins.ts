import { BUILTINS, type BuiltinName } from '../../src/datasets/builtins.ts';
import { importCsv } from '../../src/datasets/csv-import.ts';
import type { ColumnSchema, Table } from '../../src/datasets/table.ts';

/** A built-in dataset, imported as an upload would be. */
export async function importBuiltin(name: BuiltinName): Promise<{ table: Table; schema: readonly ColumnSchema[] }> {
  const { table, schema } = await importCsv(BUILTINS[name].open, { limits: { rowsMax: 10_000, columnsMax: 1000 } });
  if (table === null) throw new Error(`the built-in dataset ${name} has faults`);
  return { table, schema };
}
