import type { Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { Call, KernelDefinition } from './op.ts';
import { defineOp, fixed, OpError, perRow } from './op.ts';

/** A matrix product per row and leading axis: a (…, m, k) times c (…, k, n) gives y (…, m, n). */
export const batchProduct = defineOp({
  name: 'batch_product',
  outputs(application) {
    const [a, c] = application.inputs;
    const leading = a?.shape.slice(0, -2) ?? [];
    const fits = a && c && a.shape.length >= 2 && a.shape.length === c.shape.length && a.shape.at(-1) === c.shape.at(-2);
    if (!fits || leading.some((size, i) => size !== c.shape[i]))
      throw new OpError('batch_product', application, 'a [..., m, k] and c [..., k, n]');
    return [[...leading, a.shape.at(-2)!, c.shape.at(-1)!]];
  },
  forward: ({ inputs: [a, c], outputs: [y], layer }) => [
    { kernel: 'batch_product', buffers: [a!, c!, y!], dims: sizes(a!, c!), scalars: [], writes: [2], layer },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [da, dc] }) {
    const [a, c] = inputs;
    const shared = { dims: sizes(a!, c!), scalars: [], writes: [2], layer };
    const calls: Call[] = [];
    if (da) calls.push({ ...shared, kernel: 'batch_product_grad_left', buffers: [dy!, c!, da] });
    if (dc) calls.push({ ...shared, kernel: 'batch_product_grad_right', buffers: [a!, dy!, dc] });
    return calls;
  },
  flops: ({ inputs: [a], outputs: [y] }) => 2 * sizeOf(y!.shape) * a!.shape.at(-1)!,
  kernels: [
    productKernel('batch_product', {
      buffers: ['a (b, m, k)', 'c (b, k, n)', 'out: y (b, m, n)'],
      formula: 'y[b,i,j] = sum over l of a[b,i,l] c[b,l,j]',
      sizes: ([m, k, n]) => ({ rows: m, columns: n, terms: k, left: [k, 1], right: [n, 1] }),
    }),
    productKernel('batch_product_grad_left', {
      buffers: ['dy (b, m, n)', 'c (b, k, n)', 'out: da (b, m, k)'],
      formula: 'da[b,i,l] = sum over j of dy[b,i,j] c[b,l,j]',
      sizes: ([m, k, n]) => ({ rows: m, columns: k, terms: n, left: [n, 1], right: [1, n] }),
    }),
    productKernel('batch_product_grad_right', {
      buffers: ['a (b, m, k)', 'dy (b, m, n)', 'out: dc (b, k, n)'],
      formula: 'dc[b,l,j] = sum over i of a[b,i,l] dy[b,i,j]',
      sizes: ([m, k, n]) => ({ rows: k, columns: n, terms: m, left: [1, k], right: [n, 1] }),
    }),
  ],
});

function sizes(a: Value, c: Value) {
  return [perRow(sizeOf(a.shape.slice(0, -2))), fixed(a.shape.at(-2)!), fixed(a.shape.at(-1)!), fixed(c.shape.at(-1)!)];
}

/** Extents of one product, and the strides (row, column) of its operands. */
interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly terms: number;
  readonly left: readonly [number, number];
  readonly right: readonly [number, number];
}

interface ProductKernel {
  readonly buffers: readonly string[];
  readonly formula: string;
  readonly sizes: (mkn: readonly [number, number, number]) => Product;
}

function productKernel(name: string, { buffers, formula, sizes: sizesOf }: ProductKernel): KernelDefinition {
  return {
    name,
    buffers,
    dims: ['b', 'm', 'k', 'n'],
    scalars: [],
    formula,
    run([x, z, out], [count, m, k, n]) {
      const { rows, columns, terms, left, right } = sizesOf([m!, k!, n!]);
      for (let index = 0; index < count! * rows * columns; index += 1) {
        const batch = Math.floor(index / (rows * columns));
        const row = Math.floor(index / columns) % rows;
        const column = index % columns;
        let sum = 0;
        for (let term = 0; term < terms; term += 1) {
          const a = x![batch * rows * terms + row * left[0] + term * left[1]]!;
          sum += a * z![batch * terms * columns + term * right[0] + column * right[1]]!;
        }
        out![index] = sum;
      }
    },
  };
}
