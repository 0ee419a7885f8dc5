import type { DataFault } from '../errors.ts';
import { type ColumnProfile, createProfile, inferType, observeCell } from './column-profile.ts';
import { schemaOfColumn } from './column-schema.ts';
import { type CellColumn, createCellColumn } from './csv-cells.ts';
import { type CsvRecord, CsvScanner, ImportStopped } from './csv-scanner.ts';
import { createFaultCollector, type FaultCollector, shownValue } from './fault-collector.ts';
import type { ImportLimits, ImportOutcome } from './import-outcome.ts';
import { checkConstants, checkRequestedSchema } from './requested-schema.ts';
import type { Column, ColumnSchema, RequestedColumn } from './table.ts';
import { type ByteSource, decodeText } from './text-decoding.ts';

const COLUMN_NAME_CHARS_MAX = 200;

/**
 * Reads a CSV file twice: once for its form and the types of its columns, once for its values. So the memory needed is
 * that of the finished columns, however the file is written, and a type is inferred from all rows, not from the first.
 * Everything wrong is collected with its physical line.
 */
export async function importCsv(
  source: ByteSource,
  { schema: requested = [], limits }: { schema?: readonly RequestedColumn[]; limits: ImportLimits },
): Promise<ImportOutcome> {
  const faults = createFaultCollector();
  const survey = await surveyFile(source, limits, faults);
  if (survey === null) return { table: null, schema: [], rows: 0, faults: faults.list() };
  const asked = new Map(requested.map((column) => [column.name, column]));
  const types = survey.names.map((name, place) => chosenType(asked.get(name), survey.profiles[place]));
  for (const fault of checkRequestedSchema(requested, new Map(survey.names.map((name, place) => [name, types[place] ?? 'category'])))) {
    faults.add(fault);
  }
  const columns = survey.names.map((name, place) => createCellColumn(name, types[place] ?? null, survey.rows, asked.get(name)));
  await fillColumns(source, { names: survey.names, columns, delimiter: survey.delimiter, limits, faults });
  const finished = columns.map((column) => column.finish());
  const schema = finished.map(({ column, categories }): ColumnSchema => schemaOfColumn(column, asked.get(column.name), categories));
  for (const fault of checkConstants(requested, schema)) faults.add(fault);
  const table = faults.count() === 0 ? { rows: survey.rows, columns: finished.map(({ column }) => column) } : null;
  return { table, schema, rows: survey.rows, faults: faults.list() };
}

/** Null leaves the choice between category and text to the values. */
function chosenType(requested: RequestedColumn | undefined, profile: ColumnProfile | undefined): Column['type'] | null {
  if (requested?.type !== undefined) return requested.type;
  if (requested?.categories !== undefined) return 'category';
  const inferred = profile === undefined ? 'category' : inferType(profile);
  return inferred === 'category' ? null : inferred;
}

interface Survey {
  readonly names: readonly string[];
  readonly profiles: readonly ColumnProfile[];
  readonly rows: number;
  readonly delimiter: string;
}

/** The first reading: header, form of every line, what the cells look like. Null when no columns can be made of it. */
async function surveyFile(source: ByteSource, limits: ImportLimits, faults: FaultCollector): Promise<Survey | null> {
  let names: readonly string[] | null = null;
  let profiles: ColumnProfile[] = [];
  let rows = 0;
  const faultsBefore = faults.count();
  const onRecord = (record: CsvRecord) => {
    if (names === null) {
      names = readHeader(record, faults);
      profiles = names.map(createProfile);
      return;
    }
    if (record.cells.length !== names.length) return faults.add(raggedRow(record, names));
    if (rows === limits.rowsMax) {
      faults.add({
        line: record.line,
        code: 'too_many_rows',
        detail: `The file has more than ${limits.rowsMax} rows.`,
        expected: { max: limits.rowsMax },
      });
      throw new ImportStopped();
    }
    rows += 1;
    for (const [place, profile] of profiles.entries()) observeCell(profile, record.cells[place] ?? '');
  };
  const delimiter = await scanFile(source, { onRecord, onFault: faults.add, columnsMax: limits.columnsMax });
  const header = names as readonly string[] | null;
  if (header === null || rows === 0) {
    if (faults.count() === faultsBefore) faults.add(nothingIn(header));
    return null;
  }
  // Columns cannot be told apart by names that are missing or double.
  return new Set(header).size === header.length ? { names: header, profiles, rows, delimiter } : null;
}

function nothingIn(header: readonly string[] | null): DataFault {
  return header === null
    ? { code: 'no_rows', detail: 'The file is empty: a header line and at least one row are expected.' }
    : { line: 1, code: 'no_rows', detail: 'The file has a header line, but no rows.' };
}

function readHeader(record: CsvRecord, faults: FaultCollector): string[] {
  const names = record.cells.map((cell) => cell.trim());
  const seen = new Set<string>();
  names.forEach((name, place) => {
    const at = { line: record.cellLines?.[place] ?? record.line, value: shownValue(name) };
    if (name === '') faults.add({ ...at, code: 'empty_column_name', detail: `Column ${place + 1} has no name.` });
    else if (seen.has(name))
      faults.add({ ...at, column: name, code: 'duplicate_column', detail: `Two columns are named "${shownValue(name)}".` });
    else if (name === '__proto__')
      faults.add({ ...at, column: name, code: 'reserved_column_name', detail: 'A column cannot be named __proto__.' });
    else if (name.length > COLUMN_NAME_CHARS_MAX) {
      const detail = `The name of column ${place + 1} is longer than ${COLUMN_NAME_CHARS_MAX} characters.`;
      faults.add({ ...at, code: 'column_name_too_long', detail, expected: { max: COLUMN_NAME_CHARS_MAX } });
    }
    seen.add(name);
  });
  return names;
}

function raggedRow({ line, cells }: CsvRecord, names: readonly string[]): DataFault {
  return {
    line,
    code: 'ragged_row',
    detail: `The header names ${names.length} columns, but this line has ${cells.length} cells.`,
    expected: names.length,
    received: cells.length,
  };
}

interface Filling {
  readonly names: readonly string[];
  readonly columns: readonly CellColumn[];
  readonly delimiter: string;
  readonly limits: ImportLimits;
  readonly faults: FaultCollector;
}

/** The second reading: the values. What is wrong with the form of the file was reported by the first. */
async function fillColumns(source: ByteSource, { names, columns, delimiter, limits, faults }: Filling): Promise<void> {
  let row = -1;
  const onRecord = (record: CsvRecord) => {
    if (row === -1) {
      row = 0; // the header
      return;
    }
    if (record.cells.length !== columns.length) return;
    if (row === limits.rowsMax) throw new ImportStopped();
    for (const [place, column] of columns.entries()) {
      const fault = column.set(row, record.cells[place] ?? '');
      if (fault !== null) faults.add({ line: record.cellLines?.[place] ?? record.line, column: names[place] ?? '', ...fault });
    }
    row += 1;
  };
  await scanFile(source, { onRecord, onFault: () => undefined, columnsMax: limits.columnsMax, delimiter });
}

interface Scan {
  readonly onRecord: (record: CsvRecord) => void;
  readonly onFault: (fault: DataFault) => void;
  readonly columnsMax: number;
  /** Known from the first reading. */
  readonly delimiter?: string;
}

/** Runs the scanner over a file and says which delimiter it used. */
async function scanFile(source: ByteSource, { delimiter, ...options }: Scan): Promise<string> {
  let scanner: CsvScanner | null = null;
  let used = delimiter ?? ',';
  try {
    for await (const piece of decodeText(source())) {
      if ('fault' in piece) {
        options.onFault({ line: (scanner?.line ?? 1) + piece.lines, ...piece.fault });
        throw new ImportStopped();
      }
      if (scanner === null) {
        used = delimiter ?? detectDelimiter(piece.text);
        scanner = new CsvScanner({ ...options, delimiter: used });
      }
      scanner.push(piece.text);
    }
    scanner?.end();
  } catch (error) {
    if (!(error instanceof ImportStopped)) throw error;
  }
  return used;
}

/** Comma, unless the header line has none and exactly one of semicolon and tab. */
function detectDelimiter(text: string): string {
  const header = text.replace(/"(?:[^"]|"")*"/g, '').split(/\r|\n/, 1)[0] ?? '';
  const others = [';', '\t'].filter((candidate) => header.includes(candidate));
  return header.includes(',') || others.length !== 1 ? ',' : (others[0] ?? ',');
}
