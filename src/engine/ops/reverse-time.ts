import type { Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { Call } from './op.ts';
import { defineOp, fixed, OpError, perRow } from './op.ts';

/** The steps of each row from last to first: x (n, t, c). */
export const reverseTime = defineOp({
  name: 'reverse_time',
  outputs(application) {
    const [x] = application.inputs;
    if (!x?.shape.length) throw new OpError('reverse_time', application, 'x [time, ...]');
    return [x.shape];
  },
  forward: ({ inputs: [x], outputs: [y], layer }) => [reversed(x!, y!, layer)],
  backward: ({ node: { layer }, arrived: [dy], wanted: [dx] }) => (dx ? [reversed(dy!, dx, layer)] : []),
  flops: () => 0,
  kernels: [
    {
      name: 'reverse_time',
      buffers: ['x (n, t, c)', 'out: y (n, t, c)'],
      dims: ['n', 't', 'c'],
      scalars: [],
      formula: 'y[i,k,j] = x[i,t-1-k,j]',
      run([x, y], [n, t, c]) {
        for (let i = 0; i < n!; i += 1) {
          for (let k = 0; k < t!; k += 1) {
            for (let j = 0; j < c!; j += 1) y![(i * t! + k) * c! + j] = x![(i * t! + t! - 1 - k) * c! + j]!;
          }
        }
      },
    },
  ],
});

function reversed(from: Value, to: Value, layer: string): Call {
  const [steps, ...rest] = from.shape;
  return {
    kernel: 'reverse_time',
    buffers: [from, to],
    dims: [perRow(1), fixed(steps!), fixed(sizeOf(rest))],
    scalars: [],
    writes: [1],
    layer,
  };
}
