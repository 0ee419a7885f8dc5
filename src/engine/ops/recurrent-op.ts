import type { NodeOf, Value } from '../graph/value.ts';
import type { BackwardRequest, Call, KernelDefinition, Op } from './op.ts';
import type { RecurrentOp } from './recurrence.ts';
import {
  nameInputs,
  RECURRENT_DIMS,
  RECURRENT_SCALARS,
  recurrentDims,
  recurrentOutput,
  recurrentScalars,
  recurrentSizes,
  rowScratch,
} from './recurrence.ts';

/** What tells one recurrent cell from another. */
interface RecurrentCell<K extends RecurrentOp> {
  readonly name: K;
  readonly source: string;
  /** Blocks of the kernel's columns. */
  readonly gates: number;
  /** Element-wise operations of one unit in one step, next to the product. */
  readonly unitFlops: number;
  /** A bias inside the recurrent part, which therefore is no part of x W. */
  readonly hasBias: boolean;
  /** A second state, c. */
  readonly hasCell: boolean;
  /** Shape per step and unit of the gradient of the recurrent part, where it is not that of x W. */
  readonly hasOwnRecurrentGradient: boolean;
  readonly forward: Pick<KernelDefinition, 'formula' | 'run'>;
  readonly backward: Pick<KernelDefinition, 'formula' | 'run'>;
  /** The name of a third thing saved per step and unit, if there is one. */
  readonly saved: string | null;
}

/**
 * A cell over a whole sequence. Outputs: y [t, u] or [u], the final h [u] (and c [u]), and what is saved for the way back:
 * activated gates [t, g], the state before each step [t, u], and what the cell saves besides.
 */
export function recurrentOp<K extends RecurrentOp>(cell: RecurrentCell<K>): Op<K> & { readonly name: K } {
  const { name, gates, hasCell, saved } = cell;
  return {
    name,
    source: cell.source,
    outputs(application) {
      const output = recurrentOutput(name, gates, application);
      const { steps, units, width } = recurrentSizes(application);
      const perStep = [steps, units];
      return [output, [units], ...(hasCell ? [[units]] : []), [steps, width], perStep, ...(saved ? [perStep] : [])];
    },
    forward: (node) => [forwardCall(cell, node)],
    backward: (request) => [backwardCall(cell, request)],
    flops(node) {
      const { steps, units, width } = recurrentSizes(node);
      return steps * units * (2 * width + cell.unitFlops);
    },
    kernels: [forwardKernel(cell), backwardKernel(cell)],
  };
}

interface Outputs {
  readonly y: Value;
  readonly h: Value;
  readonly c: Value | null;
  readonly gates: Value;
  readonly before: Value;
  readonly saved: Value | null;
}

function nameOutputs<T>(outputs: readonly T[], { hasCell, saved }: { readonly hasCell: boolean; readonly saved: string | null }) {
  const rest = outputs.slice(2);
  const next = (isThere: boolean): T | null => (isThere ? (rest.shift() ?? null) : null);
  return { y: outputs[0]!, h: outputs[1]!, c: next(hasCell), gates: next(true)!, before: next(true)!, saved: next(saved !== null) };
}

/** A buffer that only cells of one kind have at all. */
function only<T>(has: boolean, buffer: T): T[] {
  return has ? [buffer] : [];
}

function forwardCall<K extends RecurrentOp>(cell: RecurrentCell<K>, node: NodeOf<K>): Call {
  const { hasBias, hasCell, saved } = cell;
  const { attributes, layer } = node;
  const { units, width } = recurrentSizes(node);
  const inputs = nameInputs(node.inputs, cell.name, attributes);
  const outputs: Outputs = nameOutputs(node.outputs, cell);
  const read = [
    inputs.projected,
    inputs.kernel,
    ...only(hasBias, inputs.bias),
    inputs.h,
    ...only(hasCell, inputs.c),
    inputs.dropout,
    inputs.mask,
  ];
  const written = [
    outputs.y,
    outputs.h,
    ...only(hasCell, outputs.c),
    outputs.gates,
    outputs.before,
    ...only(saved !== null, outputs.saved),
    rowScratch(layer, [width]),
    attributes.has.dropout ? rowScratch(layer, [units]) : null,
    packedKernel(layer, units * (wholePanels(width) + PANEL)),
  ];
  const buffers = [...read, ...written];
  return {
    kernel: cell.name,
    buffers,
    dims: recurrentDims(node),
    scalars: recurrentScalars(node),
    writes: positions(buffers, written),
    inPlace: [0, buffers.indexOf(outputs.gates)],
    layer,
  };
}

function backwardCall<K extends RecurrentOp>(cell: RecurrentCell<K>, { node, arrived, wanted }: BackwardRequest<K>): Call {
  const { hasBias, hasCell } = cell;
  const { attributes, layer } = node;
  const { steps, units, width } = recurrentSizes(node);
  const inputs = nameInputs(node.inputs, cell.name, attributes);
  const outputs: Outputs = nameOutputs(node.outputs, cell);
  const gradients = nameOutputs(arrived, cell);
  const into = nameInputs(wanted, cell.name, attributes);
  const projected = into.projected ?? rowScratch(layer, [steps, width]);
  const read = [
    outputs.gates,
    inputs.kernel,
    outputs.before,
    ...only(cell.saved !== null, outputs.saved),
    inputs.dropout,
    inputs.mask,
    gradients.y,
    gradients.h,
    ...only(hasCell, gradients.c),
  ];
  const written = [
    projected,
    into.kernel,
    ...only(hasBias, into.bias),
    into.h ?? rowScratch(layer, [units]),
    ...only(hasCell, into.c ?? rowScratch(layer, [units])),
    rowScratch(layer, [width]),
    attributes.has.dropout ? rowScratch(layer, [steps, units]) : null,
    ...only(cell.hasOwnRecurrentGradient, rowScratch(layer, [steps, width])),
    packedKernel(layer, width * wholePanels(units)),
  ];
  const buffers = [...read, ...written];
  return {
    kernel: `${cell.name}_grad`,
    buffers,
    dims: recurrentDims(node),
    scalars: recurrentScalars(node),
    writes: positions(buffers, written),
    inPlace: [0, buffers.indexOf(projected)],
    layer,
  };
}

/** Columns that a product reads together, at most: the widest tile of `native/kernels/gemm-tile.h`. */
const PANEL = 32;

function wholePanels(columns: number): number {
  return Math.ceil(columns / PANEL) * PANEL;
}

/** Memory for the recurrent kernel, packed once for all steps. */
function packedKernel(layer: string, length: number): Value {
  return { id: -1, label: `${layer}: packed kernel`, shape: [length], batched: false, type: 'real', role: 'scratch' };
}

/** Where the written buffers stand that are there. */
function positions(buffers: readonly (Value | null)[], written: readonly (Value | null)[]): number[] {
  return written.flatMap((value, i) => (value ? [buffers.length - written.length + i] : []));
}

function forwardKernel<K extends RecurrentOp>({ name, hasBias, hasCell, saved, forward }: RecurrentCell<K>): KernelDefinition {
  return {
    name,
    buffers: [
      'x W (m, t, g)',
      'recurrent kernel U (u, g)',
      ...only(hasBias, 'bias (2, g) or absent'),
      'initial h (m, u) or absent',
      ...only(hasCell, 'initial c (m, u) or absent'),
      'factors of the state fed back, from dropout (m, u) or absent',
      'mask (m, t), 0 for steps to skip, or absent',
      'out: y (m, s, u)',
      'out: final h (m, u)',
      ...only(hasCell, 'out: final c (m, u)'),
      'out: activated gates (m, t, g), 0 at skipped steps, may be x W',
      'out: h before each step (m, t, u)',
      ...(saved ? [`out: ${saved} (m, t, u)`] : []),
      'scratch: (m, g)',
      'scratch: (m, u), with dropout, or absent',
      'scratch: U as its products read it (u, g), g in whole panels of 32 and one more',
    ],
    dims: RECURRENT_DIMS,
    scalars: RECURRENT_SCALARS,
    ...forward,
  };
}

function backwardKernel<K extends RecurrentOp>(cell: RecurrentCell<K>): KernelDefinition {
  const { name, hasBias, hasCell, saved, backward } = cell;
  return {
    name: `${name}_grad`,
    buffers: [
      'activated gates (m, t, g)',
      'recurrent kernel U (u, g)',
      'h before each step (m, t, u)',
      ...(saved ? [`${saved} (m, t, u)`] : []),
      'factors of the state fed back, from dropout (m, u) or absent',
      'mask (m, t), 0 for steps to skip, or absent',
      'dy (m, s, u) or absent',
      'gradient of the final h (m, u) or absent',
      ...only(hasCell, 'gradient of the final c (m, u) or absent'),
      'out: gradient of x W (m, t, g), may be the gates',
      'out: dU (u, g) or absent',
      ...only(hasBias, 'out: gradient of bias (2, g) or absent'),
      'out: gradient of the initial h (m, u)',
      ...only(hasCell, 'out: gradient of the initial c (m, u)'),
      'scratch: (m, g)',
      'scratch: (m, t, u), with dropout, or absent',
      ...only(cell.hasOwnRecurrentGradient, 'scratch: gradient of the recurrent part (m, t, g)'),
      'scratch: U^T as its products read it (g, u), u in whole panels of 32',
    ],
    dims: RECURRENT_DIMS,
    scalars: RECURRENT_SCALARS,
    ...backward,
  };
}
