/*
 * Parts of an axis. Whatever the axis, its rows are the axes before it, and its columns the axis with all behind it: joining,
 * cutting and padding are copies of a block of columns.
 */
import type { Value } from '../graph/value.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import type { Call, KernelDefinition } from './op.ts';
import { defineOp, fixed, OpError, perRow } from './op.ts';

/** `concatenate` (x0, x1, …) along an axis. */
export const concatenate = defineOp({
  name: 'concatenate',
  outputs(application) {
    const { inputs, attributes } = application;
    const [first] = inputs;
    const { axis } = attributes;
    const joined = inputs.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
    const fits = inputs.every(
      ({ shape }) => shape.length === first?.shape.length && shape.every((size, i) => i === axis || size === first.shape[i]),
    );
    if (!first || first.shape[axis] === undefined || !fits)
      throw new OpError('concatenate', application, 'shapes that differ in one axis only');
    return [first.shape.with(axis, joined)];
  },
  forward({ inputs, outputs: [y], attributes: { axis }, layer }) {
    return inputs.map((x, i) => ({ ...copy(x, y!, axis, offsetOf(inputs, i, axis)), kernel: 'place', layer }));
  },
  backward({ node: { inputs, attributes, layer }, arrived: [dy], wanted }) {
    const { axis } = attributes;
    return wanted.flatMap((dx, i): Call[] => (dx ? [{ ...cut(dy!, dx, axis, offsetOf(inputs, i, axis)), layer }] : []));
  },
  flops: () => 0,
  kernels: [
    {
      name: 'place',
      buffers: ['x (m, n)', 'in/out: y (m, w)'],
      dims: ['m', 'n', 'w'],
      scalars: ['offset'],
      formula: 'y[i, offset + j] = x[i,j]; the other columns stay',
      run([x, y], [m, n, w], [offset]) {
        for (let i = 0; i < m!; i += 1) for (let j = 0; j < n!; j += 1) y![i * w! + offset! + j] = x![i * n! + j]!;
      },
    },
  ],
});

/** Part of an axis: positions `from` (inclusive) to `to` (exclusive). */
export const crop = defineOp({
  name: 'crop',
  outputs(application) {
    const [x] = application.inputs;
    const { axis, from, to } = application.attributes;
    if (!x || from < 0 || to <= from || to > (x.shape[axis] ?? 0))
      throw new OpError('crop', application, `positions ${from} to ${to} of axis ${axis}`);
    return [x.shape.with(axis, to - from)];
  },
  forward: ({ inputs: [x], outputs: [y], attributes: { axis, from }, layer }) => [
    { ...cut(x!, y!, axis, from * innerSize(x!.shape, axis)), layer },
  ],
  backward({ node: { inputs, attributes, layer }, arrived: [dy], wanted: [dx] }) {
    const offset = attributes.from * innerSize(inputs[0]!.shape, attributes.axis);
    return dx ? [{ ...copy(dy!, dx, attributes.axis, offset), kernel: 'pad', layer }] : [];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'take',
      buffers: ['x (m, w)', 'out: y (m, n)'],
      dims: ['m', 'n', 'w'],
      scalars: ['offset'],
      formula: 'y[i,j] = x[i, offset + j]',
      run([x, y], [m, n, w], [offset]) {
        for (let i = 0; i < m!; i += 1) for (let j = 0; j < n!; j += 1) y![i * n! + j] = x![i * w! + offset! + j]!;
      },
    },
  ],
});

/** Zeros before and after an axis. */
export const pad = defineOp({
  name: 'pad',
  outputs: ({ inputs: [x], attributes: { axis, before, after } }) => [x!.shape.with(axis, x!.shape[axis]! + before + after)],
  forward: ({ inputs: [x], outputs: [y], attributes: { axis, before }, layer }) => [
    { ...copy(x!, y!, axis, before * innerSize(x!.shape, axis)), kernel: 'pad', layer },
  ],
  backward({ node: { inputs, attributes, layer }, arrived: [dy], wanted: [dx] }) {
    const offset = attributes.before * innerSize(inputs[0]!.shape, attributes.axis);
    return dx ? [{ ...cut(dy!, dx, attributes.axis, offset), layer }] : [];
  },
  flops: () => 0,
  kernels: [padKernel()],
});

function padKernel(): KernelDefinition {
  return {
    name: 'pad',
    buffers: ['x (m, n)', 'out: y (m, w)'],
    dims: ['m', 'n', 'w'],
    scalars: ['offset'],
    formula: 'y[i,j] = offset <= j < offset + n ? x[i, j - offset] : 0',
    run([x, y], [m, n, w], [offset]) {
      y!.fill(0, 0, m! * w!);
      for (let i = 0; i < m!; i += 1) for (let j = 0; j < n!; j += 1) y![i * w! + offset! + j] = x![i * n! + j]!;
    },
  };
}

/** A block of columns into a wider value. */
function copy(narrow: Value, wide: Value, axis: number, offset: number) {
  return { buffers: [narrow, wide], dims: sizes(narrow, wide, axis), scalars: [offset], writes: [1] };
}

/** A block of columns out of a wider value. */
function cut(wide: Value, narrow: Value, axis: number, offset: number) {
  return { kernel: 'take', buffers: [wide, narrow], dims: sizes(narrow, wide, axis), scalars: [offset], writes: [1] };
}

function sizes(narrow: Value, wide: Value, axis: number) {
  return [perRow(sizeOf(narrow.shape.slice(0, axis))), fixed(sizeOf(narrow.shape.slice(axis))), fixed(sizeOf(wide.shape.slice(axis)))];
}

function innerSize(shape: Shape, axis: number): number {
  return sizeOf(shape.slice(axis + 1));
}

/** Columns before input `i`. */
function offsetOf(inputs: readonly Value[], i: number, axis: number): number {
  return inputs.slice(0, i).reduce((sum, { shape }) => sum + sizeOf(shape.slice(axis)), 0);
}
