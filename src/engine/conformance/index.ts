/*
 * Runs golden cases in the format of test/fixtures/vectors/README.md against a backend. Nothing is read or printed here.
 */
import type { Backend } from '../backends/backend.ts';
import { isObject } from '../json-schema.ts';
import { sameShape } from '../shape.ts';
import { runActivation, runLayer } from './layer-case.ts';
import { runLoss } from './loss-case.ts';
import { runMetric } from './metric-case.ts';
import { runOptimizer } from './optimizer-case.ts';
import { runSchedule } from './schedule-case.ts';
import { runTraining } from './training-case.ts';
import type { CaseRunner, Comparison, Tolerance, Vector } from './vector.ts';

const KINDS: Readonly<Record<string, CaseRunner>> = {
  layer: runLayer,
  activation: runActivation,
  loss: runLoss,
  optimizer: runOptimizer,
  schedule: runSchedule,
  metric: runMetric,
  training: runTraining,
};

interface CaseResult {
  readonly passed: boolean;
  /** Largest distance from an expected number; NaN where a number is missing or not finite. */
  readonly largestError: number;
  /** What is wrong, as sentences; empty for a case that passed. */
  readonly problems: readonly string[];
}

/** Runs a case. A kind nobody knows, a spec nobody knows and a case that compares nothing are failures. */
export function runCase(vector: unknown, backend: Backend): CaseResult {
  try {
    if (!isVector(vector)) return failure('This is not a case: it has no name, kind, spec, inputs, expect and tolerance.');
    const run = KINDS[vector.kind];
    if (!run) return failure(`There is no kind ${JSON.stringify(vector.kind)}.`);
    return judge(run(rounded(vector), backend), vector.tolerance);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

function failure(problem: string): CaseResult {
  return { passed: false, largestError: Number.NaN, problems: [problem] };
}

function isVector(value: unknown): value is Vector {
  if (!isObject(value)) return false;
  const objects = ['spec', 'inputs', 'expect', 'tolerance'].every((field) => isObject(value[field]));
  return objects && typeof value['name'] === 'string' && typeof value['kind'] === 'string';
}

/** Every float of a case denotes a float32. */
function rounded(vector: Vector): Vector {
  return {
    ...vector,
    inputs: roundAll(vector.inputs) as Vector['inputs'],
    ...(vector.params && { params: roundAll(vector.params) as NonNullable<Vector['params']> }),
    ...(vector.upstream && { upstream: roundAll(vector.upstream) as NonNullable<Vector['upstream']> }),
  };
}

function roundAll(value: unknown): unknown {
  if (typeof value === 'number') return Math.fround(value);
  if (Array.isArray(value)) return value.map(roundAll);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, roundAll(entry)])) : value;
}

function judge(comparisons: readonly Comparison[], tolerance: Tolerance): CaseResult {
  if (comparisons.length === 0) return failure('The case compares nothing.');
  const judged = comparisons.map((comparison) => judgeOne(comparison, tolerance));
  const problems = judged.flatMap(({ problem }) => problem ?? []);
  const largestError = judged.reduce((largest, { error }) => (Number.isNaN(error) ? error : Math.max(largest, error)), 0);
  return { passed: problems.length === 0, largestError, problems };
}

function judgeOne(comparison: Comparison, { rtol, atol }: Tolerance): { readonly error: number; readonly problem: string | null } {
  const { what, received, expected, receivedShape, expectedShape } = comparison;
  if (receivedShape && expectedShape && !sameShape(receivedShape, expectedShape)) {
    return { error: Number.NaN, problem: `${what} has the shape [${receivedShape.join(', ')}], expected [${expectedShape.join(', ')}].` };
  }
  if (received.length !== expected.length) {
    return { error: Number.NaN, problem: `${what} has ${received.length} numbers, expected ${expected.length}.` };
  }
  let error = 0;
  let problem: string | null = null;
  for (let i = 0; i < expected.length; i += 1) {
    const distance = Math.abs(received[i]! - expected[i]!);
    error = Number.isNaN(distance) ? distance : Math.max(error, distance);
    if (distance <= atol + rtol * Math.abs(expected[i]!)) continue;
    problem ??= `${what}[${i}] is ${received[i]}, expected ${expected[i]}.`;
  }
  return { error, problem };
}
