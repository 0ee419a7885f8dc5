import Type from 'typebox';
import type { ColumnSchema } from '../datasets/table.ts';
import type { DataSignature, Fault } from '../engine/index.ts';
import { RELATIVE, sharedWindows, type WindowOptions, windowCount } from '../preprocessing/index.ts';
import { type Fractions, type PartSizes, splitSizes } from './split.ts';

const ROWS_MAX = 100_000;

/** How ordered rows become windows, as posted. */
export const WindowBody = Type.Object(
  {
    history: Type.Integer({ minimum: 1, maximum: ROWS_MAX, description: 'Rows the network sees.' }),
    horizon: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 1,
        description: 'Rows after them that it predicts. Windows that share such rows with a later part of the split are left out.',
      }),
    ),
    stride: Type.Optional(Type.Integer({ minimum: 1, maximum: ROWS_MAX, default: 1, description: 'Rows from one window to the next.' })),
    order_by: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'The column that orders the rows; without it they are in order as they are.',
      }),
    ),
    relative: Type.Optional(
      Type.Enum([...RELATIVE], {
        default: 'none',
        description:
          'Tells numbers against the newest one of the window (`last`) or each against the one before (`difference`): without it a trend leaves what was trained on.',
      }),
    ),
    interpolate: Type.Optional(
      Type.Boolean({ default: false, description: 'Fills gaps of all number columns that have no `missing` policy of their own.' }),
    ),
  },
  { additionalProperties: false, description: 'Forecasts: a window of ordered rows predicts those after it. The target is a feature too.' },
);

/** The window with its defaults; null when none was asked for. */
export function windowOptions(posted: Type.Static<typeof WindowBody> | undefined): WindowOptions | null {
  if (posted === undefined) return null;
  const { history, horizon = 1, stride = 1, order_by = null, relative = 'none', interpolate = false } = posted;
  return { history, horizon, stride, order_by, relative, interpolate };
}

/** What the parts of a split are counted in: windows of a forecast, otherwise rows. */
export function instanceCount(rows: number, window: WindowOptions | null): number {
  return window === null ? rows : windowCount(rows, window);
}

/** How many instances the parts of a split have. Windows that share rows to forecast with those of a later part are in none. */
export function partSizes(rows: number, window: WindowOptions | null, fractions: Fractions): PartSizes {
  return splitSizes(instanceCount(rows, window), fractions, window === null ? 0 : sharedWindows(window));
}

export interface WindowQuestion {
  readonly window: WindowOptions;
  /** Null when the dataset is not known. */
  readonly dataset: { readonly rows: number; readonly schema: readonly ColumnSchema[] } | null;
  readonly targets: readonly string[];
  readonly task: string | undefined;
  readonly kind: string | undefined;
  readonly training: unknown;
}

/** Whether lists, which are all padded to the longest, become many times the data that was uploaded. */
export function expansionFaults(question: {
  /** Features of the job. */
  readonly features: readonly string[];
  readonly dataset: WindowQuestion['dataset'];
  readonly data: DataSignature | null;
  readonly limits: { readonly arenaBytesMax: number };
}): Fault[] {
  const { features, dataset, data, limits } = question;
  if (dataset === null || data === null || !dataset.schema.some(({ name, type }) => type === 'sequence' && features.includes(name)))
    return [];
  const needed = dataset.rows * data.features * Float32Array.BYTES_PER_ELEMENT;
  if (needed <= limits.arenaBytesMax) return [];
  const detail = `The encoded data needs ${needed} bytes, this server allows ${limits.arenaBytesMax}. Shorter lists need less.`;
  return [{ pointer: '/dataset', code: 'limit_exceeded', detail, expected: limits.arenaBytesMax, received: needed }];
}

/** What is wrong with the windows themselves, and with what cannot go with them. */
export function windowFaults({ window, dataset, targets, task, kind, training }: WindowQuestion): Fault[] {
  const faults = dataset === null ? [] : [...orderFaults(window, dataset.schema, targets), ...lengthFaults(window, dataset.rows)];
  if (task !== undefined && task !== 'auto' && task !== 'forecasting') {
    const suggestion = [{ op: 'replace', path: '/task', value: 'forecasting' } as const];
    const detail = `Windows forecast: their task is forecasting, not ${task}.`;
    faults.push({ pointer: '/task', code: 'task_mismatch', detail, expected: 'forecasting', received: task, suggestion });
  }
  if (kind === 'evaluation') {
    faults.push({ pointer: '/window', code: 'conflicting_fields', detail: 'An evaluation takes rows as they are, not windows of them.' });
  }
  if (Object(training).sample_weight_column != null) {
    const detail = 'Windows have no weight of their own: several rows would have a say in it.';
    faults.push({ pointer: '/training/sample_weight_column', code: 'conflicting_fields', detail });
  }
  return faults;
}

function orderFaults({ order_by: name }: WindowOptions, schema: readonly ColumnSchema[], targets: readonly string[]): Fault[] {
  if (name === null) return [];
  const pointer = '/window/order_by';
  const column = schema.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const expected = schema.slice(0, 50).map((known) => known.name);
    return [{ pointer, code: 'unknown_column', detail: `The dataset has no column "${name}".`, expected, received: name }];
  }
  if (targets.includes(name)) {
    return [{ pointer, code: 'conflicting_fields', detail: `"${name}" is the target: rows cannot be in its order as well.` }];
  }
  if (column.type !== 'datetime' && column.type !== 'number' && column.type !== 'integer') {
    const detail = `Rows are ordered by numbers or times; "${name}" is a ${column.type} column.`;
    return [{ pointer, code: 'wrong_type', detail, expected: ['datetime', 'number', 'integer'], received: column.type }];
  }
  if (column.missing_rows === 0) return [];
  const detail = `"${name}" has no value in ${column.missing_rows} row(s), whose place is therefore not known.`;
  return [{ pointer, code: 'missing_value', detail, received: column.missing_rows }];
}

function lengthFaults(window: WindowOptions, rows: number): Fault[] {
  const needed = window.history + window.horizon;
  if (rows >= needed) return [];
  const detail = `A window takes ${needed} rows (history and horizon); the dataset has ${rows}.`;
  return [
    { pointer: '/window/history', code: 'out_of_range', detail, expected: Math.max(1, rows - window.horizon), received: window.history },
  ];
}

/** The spec of a network that says nothing of its input: it takes windows as they are, a row of features per step. */
export function forecastSpec(spec: unknown, { history }: WindowOptions, width: number | undefined): unknown {
  const posted: object = Object(spec);
  if (width === undefined || !('layers' in posted) || 'input_shape' in posted || 'inputs' in posted) return spec;
  return { input_shape: [history, width / history], ...posted };
}

/** Training options with the measure that `last_value_rmse` is to be compared with. */
export function forecastTraining(training: unknown): unknown {
  if (typeof training !== 'object' || training === null || 'metrics' in training) return training;
  return { ...training, metrics: ['root_mean_squared_error', 'mean_absolute_error'] };
}
