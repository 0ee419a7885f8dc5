import { sizeOf } from '../shape.ts';
import { defineOp, elementsOf, fixed, OpError } from './op.ts';

/** Rows of a table by number: ids (m) int32, table (k, n), y (m, n). */
export const lookup = defineOp({
  name: 'lookup',
  outputs(application) {
    const [ids, table] = application.inputs;
    if (ids?.type !== 'int32' || table?.shape.length !== 2) throw new OpError('lookup', application, 'whole numbers and a table');
    return [[...ids.shape, table.shape[1]!]];
  },
  forward: ({ inputs: [ids, table], outputs: [y], layer }) => [
    {
      kernel: 'lookup',
      buffers: [ids!, table!, y!],
      dims: [elementsOf(ids!), ...table!.shape.map(fixed)],
      scalars: [],
      writes: [2],
      layer,
    },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [, dTable] }) {
    const [ids, table] = inputs;
    const dims = [elementsOf(ids!), ...table!.shape.map(fixed)];
    return dTable ? [{ kernel: 'lookup_grad', buffers: [ids!, dy!, dTable], dims, scalars: [], writes: [2], layer }] : [];
  },
  flops: ({ outputs: [y] }) => sizeOf(y!.shape),
  kernels: [
    {
      name: 'lookup',
      buffers: ['ids (m) int32 classes', 'table (k, n)', 'out: y (m, n)'],
      dims: ['m', 'k', 'n'],
      scalars: [],
      formula: 'y[i,j] = 0 <= ids[i] < k ? table[ids[i], j] : NaN',
      run([ids, table, y], [m, k, n]) {
        for (let i = 0; i < m!; i += 1) {
          const id = ids![i]!;
          const known = id >= 0 && id < k!;
          for (let j = 0; j < n!; j += 1) y![i * n! + j] = known ? table![id * n! + j]! : Number.NaN;
        }
      },
    },
    {
      name: 'lookup_grad',
      buffers: ['ids (m) int32 classes', 'dy (m, n)', 'out: dtable (k, n)'],
      dims: ['m', 'k', 'n'],
      scalars: [],
      formula: 'dtable[l,j] = sum over i with ids[i] = l of dy[i,j], in order of i; 0 for rows nobody looked up',
      run([ids, dy, dTable], [m, k, n]) {
        dTable!.fill(0, 0, k! * n!);
        for (let i = 0; i < m!; i += 1) {
          const to = ids![i]! * n!;
          if (to < 0 || to >= k! * n!) continue;
          for (let j = 0; j < n!; j += 1) dTable![to + j] = dTable![to + j]! + dy![i * n! + j]!;
        }
      },
    },
  ],
});
