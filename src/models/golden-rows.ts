// Golden rows: a few training rows with what the model answered where it was trained. They travel with the version, which is
// served only where it gives the same answers again: weights, preprocessing and kernels are proven together.

import Type, { type Static } from 'typebox';
import type { ColumnSchema, Table } from '../datasets/table.ts';
import { readRows, type Value } from '../datasets/table-rows.ts';
import { checkSchema } from '../engine/index.ts';
import type { Prediction, Preprocessing } from '../preprocessing/index.ts';
import { type LoadedModel, predictInstances } from './predict-instances.ts';

const Row = Type.Record(Type.String(), Type.Unknown());

const Golden = Type.Object({
  instances: Type.Array(Type.Union([Row, Type.Array(Row)]), { minItems: 1 }),
  predictions: Type.Array(Row, { minItems: 1 }),
});

/** Instances as `predict` takes them, and its answers. */
export type GoldenRows = Static<typeof Golden>;

type GoldenInstance = Record<string, Value> | Record<string, Value>[];

const ROWS_MAX = 3;
/** Relative: another instruction set may add up in another order. */
const TOLERANCE = 1e-5;

/** The first, middle and last training row, or window of rows, as instances. `schema` is in the order of the table's columns. */
export function goldenInstances(data: {
  readonly table: Table;
  readonly schema: readonly ColumnSchema[];
  readonly features: readonly string[];
  readonly trainRows: Int32Array;
  /** For a forecast, whose training rows are windows: the rows that one sees. */
  readonly windowRows?: (window: number) => Int32Array;
}): GoldenInstance[] {
  const { table, schema, features, trainRows, windowRows } = data;
  const places = Array.from({ length: ROWS_MAX }, (_, i) => Math.floor((i * (trainRows.length - 1)) / (ROWS_MAX - 1)));
  const read = (row: number): Record<string, Value> => {
    const [values = {}] = readRows(table, schema, row, row + 1);
    return Object.fromEntries(features.map((name) => [name, values[name] ?? null]));
  };
  const instances = [...new Set(places)].map((place) => trainRows[place] ?? 0);
  if (windowRows === undefined) return instances.map(read);
  const windows = instances.map((window) => Array.from(windowRows(window), read));
  // A window may lie in a gap that was filled from outside of it: alone it could not be answered.
  return windows.filter((rows) => features.every((name) => rows.some((row) => row[name] !== null)));
}

/** Lets the model answer. Instances that were trained on must be instances it takes. */
export function goldenRows(model: LoadedModel, instances: readonly GoldenInstance[]): GoldenRows {
  const answer = predictInstances(model, instances, { probabilities: true });
  if ('faults' in answer) throw new Error(`a training row is no instance: ${answer.faults[0]?.detail}`);
  return { instances: [...instances], predictions: answer.predictions.map((prediction) => ({ ...prediction })) };
}

/** What is wrong with the model's answers to the golden rows stored with it; null when they are right. */
export function goldenFault(model: LoadedModel, stored: unknown): string | null {
  const [fault] = checkSchema(Golden, stored);
  if (fault !== undefined) return 'its golden rows are not readable';
  const { instances, predictions } = stored as GoldenRows;
  const answer = predictInstances(model, instances, { probabilities: true });
  if ('faults' in answer) return `it does not take its golden rows: ${answer.faults[0]?.detail}`;
  if (predictions.length !== answer.predictions.length) return 'its golden rows are not complete';
  const wrong = answer.predictions.findIndex((prediction, row) => !agreeAll(model.preprocessing, predictions[row] ?? {}, prediction));
  if (wrong < 0) return null;
  return `golden row ${wrong + 1} must give ${JSON.stringify(predictions[wrong])}, received ${JSON.stringify(answer.predictions[wrong])}`;
}

function agreeAll({ target, outputs }: Preprocessing, expected: Prediction, received: Prediction): boolean {
  if (outputs === undefined) return agree(target, expected, received);
  const [left, right] = [Object(expected['outputs']), Object(received['outputs'])];
  return outputs.every(({ name, target: own }) => agree(own, Object(left[name]), Object(right[name])));
}

function agree(target: Preprocessing['target'], expected: Prediction, received: Prediction): boolean {
  if (target.kind === 'classes') {
    return expected['label'] === received['label'] && numbersAgree(expected['probabilities'], received['probabilities'], () => PROBABILITY);
  }
  const [first = PROBABILITY] = target.columns;
  if (target.columns.length === 1) return numbersAgree(expected, received, () => first);
  const columns = new Map(target.columns.map((column) => [column.name, column]));
  return numbersAgree(expected['values'], received['values'], (name) => columns.get(name) ?? PROBABILITY);
}

/** Where the values of a column lie: rounding is as large as they are in these terms, which are those the network works in. */
interface Scale {
  readonly mean: number;
  readonly std: number;
}

const PROBABILITY: Scale = { mean: 0, std: 1 };

/** Numbers by name, equal within the tolerance. */
function numbersAgree(expected: unknown, received: unknown, scaleOf: (name: string) => Scale): boolean {
  const [left, right] = [new Map(Object.entries(Object(expected))), new Map(Object.entries(Object(received)))];
  if (left.size !== right.size) return false;
  return [...left].every(([name, value]) => {
    const other = right.get(name);
    // A number that is not finite is null beside its name.
    if (typeof value !== 'number' || typeof other !== 'number') return JSON.stringify(value) === JSON.stringify(other);
    const { mean, std } = scaleOf(name);
    return Math.abs(value - other) <= TOLERANCE * Math.max(Math.abs(value - mean), Math.abs(other - mean), std);
  });
}
