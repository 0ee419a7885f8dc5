import type { Numbers } from '../backends/kernel.ts';
import type { Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import { activatedKernel } from './activated-kernel.ts';
import type { CallSize, KernelDefinition } from './op.ts';
import { fixed, scratchValue } from './op.ts';
import { eachCell, planeOf, WINDOW_DIMS, WINDOW_SCALARS, windowDims, windowScalars } from './window.ts';
import type { Pair, WindowAttributes } from './window-attributes.ts';

/** f filters, a window of (r, s), d channels per group; the last is the room the kernels have, in floats. */
const DIMS = [...WINDOW_DIMS, 'f', 'r', 's', 'd', 'b'];

/** A block of the windows copied to a matrix should stay in the second-level cache, and be worth packing the kernel for. */
const LOWERED_FLOATS = 65536;
const LOWERED_POSITIONS_MIN = 128;
/** No block is longer than this many rows of the batch. */
const LOWERED_ROWS_MAX = 64;
/** Filters are transformed and summed in panels of this many. */
const PANEL = 32;
/** Elements of a transformed 3x3 window (`native/kernels/winograd.h`). */
const WINOGRAD_ELEMENTS = 16;
/** Gradients of the kernel are summed in this many parts of the batch at most, as long as they stay small. */
const PARTS_MAX = 8;
const PARTS_MIN = 2;
const PARTS_FLOATS = 2 ** 20;

/** What each of the three kernels is told; `x` is the side a forward convolution reads. */
export interface ConvolutionSizes {
  readonly dims: readonly CallSize[];
  readonly scalars: readonly number[];
  readonly layer: string;
  readonly scratch: Value;
}

export interface ConvolutionRequest {
  readonly x: Value;
  readonly kernel: Value;
  /** Input channels one filter sees. */
  readonly depth: number;
  readonly attributes: WindowAttributes;
  readonly layer: string;
}

export function convolutionSizes({ x, kernel, depth, attributes, layer }: ConvolutionRequest): ConvolutionSizes {
  const [height, width] = attributes.window;
  const taps = height * width * depth;
  const filters = sizeOf(kernel.shape) / taps;
  const positions = attributes.output[0] * attributes.output[1];
  const isCopied = isLowered(x, depth, attributes);
  const lowered = taps * Math.min(Math.max(LOWERED_POSITIONS_MIN, Math.floor(LOWERED_FLOATS / taps)), LOWERED_ROWS_MAX * positions);
  const room = isCopied ? Math.max(lowered, partsRoom(attributes.window, depth, filters)) : 1;
  return {
    dims: [...windowDims(x.shape, attributes), ...[filters, height, width, depth, room].map(fixed)],
    scalars: windowScalars(attributes),
    layer,
    scratch: scratchValue(layer, room),
  };
}

/** Room for the kernel in panels, either way round, and for the parts its gradient is summed in. */
function partsRoom([height, width]: Pair, depth: number, filters: number): number {
  const inPanels = (columns: number) => Math.ceil(columns / PANEL) * PANEL;
  const elements = height === 3 && width === 3 ? WINOGRAD_ELEMENTS : height * width;
  const part = elements * Math.max(depth * inPanels(filters), filters * inPanels(depth));
  return part * Math.min(Math.max(Math.floor(PARTS_FLOATS / part), PARTS_MIN), PARTS_MAX);
}

/** A window of one cell that visits every cell is a matrix product as it stands; so is what has one channel per group, taken directly. */
function isLowered(x: Value, depth: number, { window: [height, width], strides, before }: WindowAttributes): boolean {
  const { channels } = planeOf(x.shape);
  const isPointwise = height * width === 1 && strides.every((stride) => stride === 1) && before.every((zeros) => zeros === 0);
  return !isPointwise && (depth > 1 || channels === 1);
}

/** Calls `visit` with the three indices of every product in a convolution, in the order of a forward pass. */
function eachProduct(dims: readonly number[], scalars: readonly number[], visit: (x: number, kernel: number, y: number) => void): void {
  const [, , , c, , , f, r, s, d] = dims;
  const filtersOfGroup = f! / (c! / d!);
  eachCell({ dims, scalars, size: [r!, s!] }, ({ position, cell, tap }) => {
    for (let filter = 0; filter < f!; filter += 1) {
      const firstChannel = Math.floor(filter / filtersOfGroup) * d!;
      for (let channel = 0; channel < d!; channel += 1) {
        visit(cell * c! + firstChannel + channel, (tap * d! + channel) * f! + filter, position * f! + filter);
      }
    }
  });
}

function fillRows(out: Numbers, bias: Numbers | null | undefined, width: number, rows: number): void {
  for (let row = 0; row < rows; row += 1) for (let j = 0; j < width; j += 1) out[row * width + j] = bias ? bias[j]! : 0;
}

const FORWARD: KernelDefinition = {
  name: 'convolution',
  buffers: ['x (n, h, w, c)', 'kernel (r, s, d, f)', 'bias (f) or absent', 'out: y (n, p, q, f)', 'out: scratch (b)'],
  dims: DIMS,
  scalars: WINDOW_SCALARS,
  formula:
    'y[n,p,q,f] = bias[f] + sum over r, s, d of x[n, p stride_h - before_h + r dilation_h, q stride_w - before_w + s dilation_w, g d + channel] kernel[r,s,channel,f]; g = the group of f among c/d; cells outside are 0',
  run([x, kernel, bias, y], dims, scalars) {
    const f = dims[6]!;
    fillRows(y!, bias, f, dims[0]! * dims[4]! * dims[5]!);
    eachProduct(dims, scalars, (i, k, o) => {
      y![o] = y![o]! + x![i]! * kernel![k]!;
    });
  },
};

/** Shared by `convolution` and `convolution_transpose`: the backward pass of the one is the forward pass of the other. */
export const CONVOLUTION_KERNELS: readonly KernelDefinition[] = [
  FORWARD,
  activatedKernel(FORWARD),
  {
    name: 'convolution_grad_input',
    buffers: ['dy (n, p, q, f)', 'kernel (r, s, d, f)', 'bias (c) or absent', 'out: dx (n, h, w, c)', 'out: scratch (b)'],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'dx = bias + the transpose of convolution applied to dy: every product x kernel in y adds dy kernel to its x',
    run([dy, kernel, bias, dx], dims, scalars) {
      const [n, h, w, c] = dims;
      fillRows(dx!, bias, c!, n! * h! * w!);
      eachProduct(dims, scalars, (i, k, o) => {
        dx![i] = dx![i]! + dy![o]! * kernel![k]!;
      });
    },
  },
  {
    name: 'convolution_grad_kernel',
    buffers: ['x (n, h, w, c)', 'dy (n, p, q, f)', 'out: dkernel (r, s, d, f)', 'out: scratch (b)'],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'every product x kernel in y adds x dy to its dkernel',
    run([x, dy, dKernel], dims, scalars) {
      dKernel!.fill(0);
      eachProduct(dims, scalars, (i, k, o) => {
        dKernel![k] = dKernel![k]! + x![i]! * dy![o]!;
      });
    },
  },
];
