import type { Numbers } from '../backends/kernel.ts';
import type { NodeOf } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { KernelDefinition, Op } from './op.ts';
import { fixed, lastAxis } from './op.ts';
import type { WindowSizes } from './window.ts';
import { eachCell, shapeOfPlane, WINDOW_DIMS, WINDOW_SCALARS, windowDims, windowScalars } from './window.ts';

type PoolingOp = 'max_pooling' | 'average_pooling';

const DIMS = [...WINDOW_DIMS, 'r', 's'];
const X = 'x (n, h, w, c)';
const DY = 'dy (n, p, q, c)';
const DX = 'out: dx (n, h, w, c)';

/** The largest value under the window. What lies outside the input never wins; of equal cells the first gets the gradient. */
export const maxPooling: Op<'max_pooling'> = {
  ...poolingOp('max_pooling'),
  backward({ node, arrived: [dy], wanted: [dx] }) {
    if (!dx) return [];
    return [{ ...sharedOf(node), kernel: 'max_pooling_grad', buffers: [node.inputs[0]!, dy!, dx], writes: [2] }];
  },
  kernels: [maxKernel(), maxGradKernel()],
};

/** The mean of the cells under the window that lie inside the input. */
export const averagePooling: Op<'average_pooling'> = {
  ...poolingOp('average_pooling'),
  backward({ node, arrived: [dy], wanted: [dx] }) {
    return dx ? [{ ...sharedOf(node), kernel: 'average_pooling_grad', buffers: [dy!, dx], writes: [1] }] : [];
  },
  kernels: [averageKernel(), averageGradKernel()],
};

/** What both kinds of pooling have in common: one value per channel and position of the window. */
function poolingOp<K extends PoolingOp>(name: K): Pick<Op<K>, 'name' | 'outputs' | 'forward' | 'flops'> {
  return {
    name,
    outputs: ({ inputs: [x], attributes }) => [shapeOfPlane(attributes.output, lastAxis(x!), x!.shape.length)],
    forward: (node) => [{ ...sharedOf(node), kernel: name, buffers: [node.inputs[0]!, node.outputs[0]!], writes: [1] }],
    flops: ({ outputs: [y], attributes }) => sizeOf(y!.shape) * attributes.window[0] * attributes.window[1],
  };
}

function sharedOf<K extends PoolingOp>({ inputs: [x], attributes, layer }: NodeOf<K>) {
  return {
    dims: [...windowDims(x!.shape, attributes), ...attributes.window.map(fixed)],
    scalars: windowScalars(attributes),
    layer,
  };
}

function sizesOf(dims: readonly number[], scalars: readonly number[]): WindowSizes {
  return { dims, scalars, size: [dims[6]!, dims[7]!] };
}

/** Calls `visit` for every channel of every cell below a position. */
function eachElement(dims: readonly number[], scalars: readonly number[], visit: (x: number, y: number) => void): void {
  const c = dims[3]!;
  eachCell(sizesOf(dims, scalars), ({ position, cell }) => {
    for (let channel = 0; channel < c; channel += 1) visit(cell * c + channel, position * c + channel);
  });
}

/** Cells inside the input below each position; the same for every row and channel. */
function countOf(dims: readonly number[], scalars: readonly number[]): number[] {
  const counts = new Array<number>(dims[4]! * dims[5]!).fill(0);
  eachCell(sizesOf([1, ...dims.slice(1)], scalars), ({ position }) => {
    counts[position]! += 1;
  });
  return counts;
}

function maxKernel(): KernelDefinition {
  return {
    name: 'max_pooling',
    buffers: [X, 'out: y (n, p, q, c)'],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'y[n,p,q,c] = the largest x[n, p stride_h - before_h + r dilation_h, q stride_w - before_w + s dilation_w, c] inside x',
    run([x, y], dims, scalars) {
      y!.fill(Number.NEGATIVE_INFINITY);
      eachElement(dims, scalars, (i, o) => {
        y![o] = Math.max(y![o]!, x![i]!);
      });
    },
  };
}

function maxGradKernel(): KernelDefinition {
  return {
    name: 'max_pooling_grad',
    buffers: [X, DY, DX],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'dx = sum of the dy of all positions whose first largest cell it is',
    run([x, dy, dx], dims, scalars) {
      dx!.fill(0);
      let open = -1;
      let best: number[] = [];
      const c = dims[3]!;
      const give = () => {
        best.forEach((cell, channel) => {
          dx![cell]! += dy![open * c + channel]!;
        });
      };
      eachElement(dims, scalars, (i, o) => {
        const position = Math.floor(o / c);
        if (position !== open) {
          give();
          open = position;
          best = [];
        }
        const largest = best[o % c];
        if (largest === undefined || x![i]! > x![largest]!) best[o % c] = i;
      });
      give();
    },
  };
}

function averageKernel(): KernelDefinition {
  return {
    name: 'average_pooling',
    buffers: [X, 'out: y (n, p, q, c)'],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'y[n,p,q,c] = the mean of the cells max_pooling compares',
    run([x, y], dims, scalars) {
      y!.fill(0);
      eachElement(dims, scalars, (i, o) => {
        y![o]! += x![i]!;
      });
      divide(y!, dims, scalars);
    },
  };
}

function divide(y: Numbers, dims: readonly number[], scalars: readonly number[]): void {
  const counts = countOf(dims, scalars);
  const c = dims[3]!;
  for (let o = 0; o < dims[0]! * counts.length * c; o += 1) y[o]! /= counts[Math.floor(o / c) % counts.length]!;
}

function averageGradKernel(): KernelDefinition {
  return {
    name: 'average_pooling_grad',
    buffers: [DY, DX],
    dims: DIMS,
    scalars: WINDOW_SCALARS,
    formula: 'dx = sum of dy / cells over all positions whose window it lies under',
    run([dy, dx], dims, scalars) {
      dx!.fill(0);
      const counts = countOf(dims, scalars);
      const c = dims[3]!;
      eachElement(dims, scalars, (i, o) => {
        dx![i]! += dy![o]! / counts[Math.floor(o / c) % counts.length]!;
      });
    },
  };
}
