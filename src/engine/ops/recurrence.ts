/*
 * What recurrent cells share: which inputs, sizes and scalars their kernels take, and the walk over the steps of a sequence.
 * One kernel call is a whole sequence, forward or backward through time (Werbos 1990). A cell only says what happens to one row
 * in one step. The input's part of the sum, x W, is an op before it: one product over all steps.
 *
 * Letters: m rows, t steps, s steps of the output (t, or 1 for the last only), u units, g units times gates. Everything saved for
 * the way back lies in order of time, whatever order the steps are read in.
 */

import type { Numbers } from '../backends/kernel.ts';
import type { NodeOf, Value } from '../graph/value.ts';
import type { Shape } from '../shape.ts';
import { sameShape } from '../shape.ts';
import { CELL_ACTIVATIONS, cellActivationCode } from './cell-activations.ts';
import type { Application, CallSize } from './op.ts';
import { fixed, OpError, perRow } from './op.ts';
import type { RecurrentAttributes } from './recurrent-attributes.ts';

export type RecurrentOp = 'simple_rnn' | 'lstm' | 'gru' | 'gru_reset_before';

/** The inputs of a recurrent op by name: x W and the recurrent kernel first, then those that are there, in this order. */
export interface RecurrentInputs<T> {
  readonly projected: T;
  readonly kernel: T;
  /** Of the recurrent part (gru with `reset_after`: both rows). */
  readonly bias: T | null;
  readonly h: T | null;
  readonly c: T | null;
  /** Factors of the fed-back state (m, u), drawn once per sequence. */
  readonly dropout: T | null;
  /** (m, t): 0 for steps to skip. */
  readonly mask: T | null;
}

/** Names a list that goes with the inputs: the inputs themselves, or their wanted gradients. */
export function nameInputs<T>(list: readonly T[], op: RecurrentOp, { has }: RecurrentAttributes): RecurrentInputs<T> {
  const rest = list.slice(2);
  const next = (isThere: boolean): T | null => (isThere ? (rest.shift() ?? null) : null);
  return {
    projected: list[0]!,
    kernel: list[1]!,
    bias: next(has.bias),
    h: next(has.initialState),
    c: next(has.initialState && op === 'lstm'),
    dropout: next(has.dropout),
    mask: next(has.mask),
  };
}

export interface RecurrentSizes {
  readonly steps: number;
  readonly outputSteps: number;
  readonly units: number;
  readonly width: number;
}

export function recurrentSizes({ inputs, attributes }: Pick<NodeOf<RecurrentOp>, 'inputs' | 'attributes'>): RecurrentSizes {
  const [steps, width] = inputs[0]!.shape as [number, number];
  return { steps, width, units: inputs[1]!.shape[0]!, outputSteps: attributes.sequences ? steps : 1 };
}

/** The shape every recurrent op's first output has, after a check of what all of them take. */
export function recurrentOutput<K extends RecurrentOp>(op: K, gates: number, application: Application<K>): Shape {
  const [projected, kernel] = application.inputs;
  const [units = 0] = kernel?.shape ?? [];
  if (projected?.shape.length !== 2 || !sameShape(kernel?.shape ?? [], [units, gates * units]) || projected.shape[1] !== gates * units) {
    throw new OpError(op, application, `x W [time, ${gates} u] and recurrent kernel [u, ${gates} u]`);
  }
  return application.attributes.sequences ? [projected.shape[0]!, units] : [units];
}

export const RECURRENT_DIMS = ['m', 't', 's', 'u', 'g'] as const;

export function recurrentDims(node: Pick<NodeOf<RecurrentOp>, 'inputs' | 'attributes'>): CallSize[] {
  const { steps, outputSteps, units, width } = recurrentSizes(node);
  return [perRow(1), fixed(steps), fixed(outputSteps), fixed(units), fixed(width)];
}

export const RECURRENT_SCALARS = [
  `activation: ${CELL_ACTIVATIONS.map((name, i) => `${i} ${name}`).join(', ')}`,
  'recurrent_activation: likewise',
  'backwards: 1 reads the steps from last to first',
  'in_time_order: 1 puts outputs where their steps stand in time',
  'initial_state: 1 when one is given; it shows in no output before the first step that is not skipped',
] as const;

export function recurrentScalars({ attributes }: Pick<NodeOf<RecurrentOp>, 'attributes'>): number[] {
  const { activation, recurrentActivation, backwards, inTimeOrder, has } = attributes;
  return [
    cellActivationCode(activation),
    cellActivationCode(recurrentActivation),
    Number(backwards),
    Number(inTimeOrder),
    Number(has.initialState),
  ];
}

/** Memory of one call for every row of the batch. */
export function rowScratch(layer: string, shape: Shape): Value {
  return { id: -1, label: `${layer}: scratch`, shape, batched: true, type: 'real', role: 'scratch' };
}

/** The walk over a sequence: sizes, order of steps and the buffers that every cell has. */
export interface Walk {
  readonly rows: number;
  readonly steps: number;
  readonly outputSteps: number;
  readonly units: number;
  readonly width: number;
  readonly backwards: boolean;
  readonly inTimeOrder: boolean;
  readonly initial: boolean;
  readonly mask: Numbers | null;
}

/** One step of one row. `at` is row * t + time: where the step's saved numbers lie. */
export interface CellPosition {
  readonly row: number;
  readonly at: number;
}

export function walkOf(dims: readonly number[], scalars: readonly number[], mask: Numbers | null): Walk {
  const [rows, steps, outputSteps, units, width] = dims as [number, number, number, number, number];
  const [, , backwards, inTimeOrder, initial] = scalars;
  return {
    rows,
    steps,
    outputSteps,
    units,
    width,
    backwards: backwards === 1,
    inTimeOrder: inTimeOrder === 1,
    initial: initial === 1,
    mask,
  };
}

/** Runs a cell over every row and step. `h` holds the running state and at last the final one. */
export function walkForward(
  walk: Walk,
  { y, h }: { readonly y: Numbers; readonly h: Numbers },
  step: (position: CellPosition) => void,
): void {
  const { rows, steps, units } = walk;
  for (let row = 0; row < rows; row += 1) {
    let started = false;
    for (let p = 0; p < steps; p += 1) {
      const at = row * steps + timeOf(walk, p);
      step({ row, at });
      started ||= !isMasked(walk, at);
      const to = outputOf(walk, row, p);
      for (let j = 0; j < units; j += 1) y[to + j] = started ? h[row * units + j]! : 0;
    }
  }
}

/** Runs a cell backward over every row and step. `dh` holds the running gradient of the state, to which the outputs' is added. */
export function walkBackward(
  walk: Walk,
  { dy, dh }: { readonly dy: Numbers | null; readonly dh: Numbers },
  step: (position: CellPosition) => void,
): void {
  const { rows, steps, outputSteps, units } = walk;
  for (let row = 0; row < rows; row += 1) {
    const first = firstUnmasked(walk, row);
    for (let p = steps - 1; p >= 0; p -= 1) {
      const from = outputOf(walk, row, p);
      const isOutput = dy && (outputSteps > 1 || p === steps - 1) && (p >= first || !walk.initial);
      for (let j = 0; isOutput && j < units; j += 1) dh[row * units + j]! += dy[from + j]!;
      step({ row, at: row * steps + timeOf(walk, p) });
    }
  }
}

function isMasked({ mask }: Walk, at: number): boolean {
  return mask !== null && mask[at] === 0;
}

/** The first step in processing order that counts; before it the output is zero whatever the state. */
function firstUnmasked(walk: Walk, row: number): number {
  let p = 0;
  while (p < walk.steps && isMasked(walk, row * walk.steps + timeOf(walk, p))) p += 1;
  return p;
}

function timeOf({ steps, backwards }: Walk, p: number): number {
  return backwards ? steps - 1 - p : p;
}

function outputOf(walk: Walk, row: number, p: number): number {
  const step = walk.outputSteps === 1 ? 0 : walk.inTimeOrder ? timeOf(walk, p) : p;
  return (row * walk.outputSteps + step) * walk.units;
}

/** Fills a running state or gradient with what it starts from. */
export function start(running: Numbers, from: Numbers | null, length: number): void {
  for (let i = 0; i < length; i += 1) running[i] = from ? from[i]! : 0;
}

/** The recurrent kernel and what the state is multiplied by before it. */
export interface Feedback {
  readonly kernel: Numbers;
  readonly dropout: Numbers | null;
}

/** Columns of the recurrent kernel. */
export interface Columns {
  readonly from: number;
  readonly to: number;
}

/** (h d) U in one column, h being the state saved before the step and d the factors of dropout. */
export function fedForward({ units, width }: Walk, { kernel, dropout }: Feedback, before: Numbers) {
  return ({ row, at }: CellPosition, column: number): number => {
    let sum = 0;
    for (let l = 0; l < units; l += 1) {
      const factor = dropout ? dropout[row * units + l]! : 1;
      sum += before[at * units + l]! * factor * kernel[l * width + column]!;
    }
    return sum;
  };
}

/** dz U^T for one unit over some columns. */
export function fedBackward({ width }: Walk, kernel: Numbers, dz: Numbers) {
  return ({ at }: CellPosition, unit: number, { from, to }: Columns): number => {
    let sum = 0;
    for (let k = from; k < to; k += 1) sum += dz[at * width + k]! * kernel[unit * width + k]!;
    return sum;
  };
}

/** dU = (h d)^T dz over some columns, summed over rows and steps. */
export function kernelGradient(
  { rows, steps, units, width }: Walk,
  { before, dropout, dz }: { readonly before: Numbers; readonly dropout: Numbers | null; readonly dz: Numbers },
  dKernel: Numbers | null,
  { from, to }: Columns,
): void {
  for (let l = 0; dKernel && l < units; l += 1) {
    for (let k = from; k < to; k += 1) {
      let sum = 0;
      for (let at = 0; at < rows * steps; at += 1) {
        const factor = dropout ? dropout[Math.floor(at / steps) * units + l]! : 1;
        sum += before[at * units + l]! * factor * dz[at * width + k]!;
      }
      dKernel[l * width + k] = sum;
    }
  }
}

/** Sums of the columns of dz over rows and steps. */
export function columnSums({ rows, steps, width }: Walk, dz: Numbers, into: Numbers, offset: number): void {
  for (let k = 0; k < width; k += 1) {
    let sum = 0;
    for (let at = 0; at < rows * steps; at += 1) sum += dz[at * width + k]!;
    into[offset + k] = sum;
  }
}

/** Leaves a skipped step without any gradient of its own. Returns whether it is one. */
export function skipped(walk: Walk, { at }: CellPosition, dz: Numbers): boolean {
  if (!isMasked(walk, at)) return false;
  for (let k = 0; k < walk.width; k += 1) dz[at * walk.width + k] = 0;
  return true;
}

/** Copies a row of the running state to where it is saved. */
export function save(units: number, running: Numbers, { row, at }: CellPosition, into: Numbers): void {
  for (let j = 0; j < units; j += 1) into[at * units + j] = running[row * units + j]!;
}
