import type { NodeOf } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { KernelDefinition, Op } from './op.ts';
import { elementsOf } from './op.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';

/** A function of single elements and its slope, from which an op with its two kernels is made. */
export interface Elementwise<K extends OpName> {
  readonly name: K;
  readonly source?: string;
  /** Attributes handed to the kernels as scalars, in this order. */
  readonly scalars: readonly (keyof OpAttributes[K] & string)[];
  readonly formula: string;
  readonly value: (x: number, scalar: number) => number;
  /** What the slope is computed from. With `y` the input's memory is free for the output. */
  readonly slopeFrom: 'x' | 'y';
  readonly slopeFormula: string;
  readonly slope: (saved: number, scalar: number) => number;
}

/** `y[i] = f(x[i])` and `dx[i] = dy[i] f'(x[i])`. Both may work in place. */
export function elementwise<K extends OpName>(definition: Elementwise<K>): Op<K> {
  const { name, slopeFrom } = definition;
  const scalarsOf = (node: NodeOf<K>) => definition.scalars.map((scalar) => Number(node.attributes[scalar]));
  return {
    name,
    ...(definition.source !== undefined && { source: definition.source }),
    outputs: ({ inputs: [x] }) => [x!.shape],
    forward(node) {
      const [x] = node.inputs;
      const [y] = node.outputs;
      const inPlace = slopeFrom === 'y' ? { inPlace: [0, 1] as const } : {};
      return [
        { kernel: name, buffers: [x!, y!], dims: [elementsOf(x!)], scalars: scalarsOf(node), writes: [1], ...inPlace, layer: node.layer },
      ];
    },
    backward({ node, arrived: [dy], wanted: [dx] }) {
      if (!dx) return [];
      const saved = slopeFrom === 'x' ? node.inputs[0]! : node.outputs[0]!;
      const dims = [elementsOf(saved)];
      return [
        {
          kernel: `${name}_grad`,
          buffers: [saved, dy!, dx],
          dims,
          scalars: scalarsOf(node),
          writes: [2],
          inPlace: [1, 2],
          layer: node.layer,
        },
      ];
    },
    flops: ({ inputs: [x] }) => sizeOf(x!.shape),
    kernels: [valueKernel(definition), slopeKernel(definition)],
  };
}

function valueKernel<K extends OpName>({ name, scalars, formula, value }: Elementwise<K>): KernelDefinition {
  return {
    name,
    buffers: ['x (n)', 'out: y (n), may be x'],
    dims: ['n'],
    scalars,
    formula: `y = ${formula}`,
    run([x, y], [n], [scalar = 0]) {
      for (let i = 0; i < n!; i += 1) y![i] = value(x![i]!, scalar);
    },
  };
}

function slopeKernel<K extends OpName>({ name, scalars, slopeFrom, slopeFormula, slope }: Elementwise<K>): KernelDefinition {
  return {
    name: `${name}_grad`,
    buffers: [`${slopeFrom} (n)`, 'dy (n)', 'out: dx (n), may be dy'],
    dims: ['n'],
    scalars,
    formula: `dx = dy * (${slopeFormula})`,
    run([saved, dy, dx], [n], [scalar = 0]) {
      for (let i = 0; i < n!; i += 1) dx![i] = dy![i]! * slope(saved![i]!, scalar);
    },
  };
}
