import type { Numbers } from '../backends/kernel.ts';
import type { NodeOf } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

const DIMS = ['m', 'n'];
const SCALARS = ['epsilon'];

/**
 * Vectors of the last axis brought to length 1: x (m, n), `y = x / max(|x|, epsilon)` as in Keras 3. With `y = x / |x|` the gradient is
 * `dx = (dy - y (y . dy)) / |x|`. A vector shorter than epsilon has no direction: no gradient flows.
 */
export const l2Normalize = defineOp({
  name: 'l2_normalize',
  source: 'https://arxiv.org/abs/1702.05870',
  outputs(application) {
    const [x] = application.inputs;
    if (!x || x.shape.length === 0) throw new OpError('l2_normalize', application, 'x [..., n]');
    return [x.shape];
  },
  forward: (node) => [{ ...sharedOf(node), kernel: 'l2_normalize', buffers: [node.inputs[0]!, node.outputs[0]!], writes: [1] }],
  backward({ node, arrived: [dy], wanted: [dx] }) {
    if (!dx) return [];
    return [{ ...sharedOf(node), kernel: 'l2_normalize_grad', buffers: [node.inputs[0]!, dy!, dx], writes: [2], inPlace: [1, 2] }];
  },
  flops: ({ inputs: [x] }) => 3 * sizeOf(x!.shape),
  kernels: [
    {
      name: 'l2_normalize',
      buffers: ['x (m, n)', 'out: y (m, n)'],
      dims: DIMS,
      scalars: SCALARS,
      formula: 'y[i,j] = x[i,j] / max(|x[i]|, epsilon), |x[i]| = sqrt(sum over j of x[i,j]^2)',
      run([x, y], [m, n], [epsilon]) {
        for (let i = 0; i < m!; i += 1) {
          const length = Math.max(Math.sqrt(productOf(x!, x!, i, n!)), epsilon!);
          for (let j = i * n!; j < (i + 1) * n!; j += 1) y![j] = x![j]! / length;
        }
      },
    },
    {
      name: 'l2_normalize_grad',
      buffers: ['x (m, n)', 'dy (m, n)', 'out: dx (m, n), may be dy'],
      dims: DIMS,
      scalars: SCALARS,
      formula: 'dx[i,j] = (dy[i,j] - x[i,j] (sum over k of x[i,k] dy[i,k]) / |x[i]|^2) / |x[i]|, 0 where |x[i]| < epsilon',
      run([x, dy, dx], [m, n], [epsilon]) {
        for (let i = 0; i < m!; i += 1) {
          const squares = productOf(x!, x!, i, n!);
          const length = Math.sqrt(squares);
          const share = productOf(x!, dy!, i, n!) / squares;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) dx![j] = length < epsilon! ? 0 : (dy![j]! - x![j]! * share) / length;
        }
      },
    },
  ],
});

function sharedOf({ inputs: [x], attributes: { epsilon }, layer }: NodeOf<'l2_normalize'>) {
  return { dims: [perRow(outerSize(x!)), fixed(lastAxis(x!))], scalars: [epsilon], layer };
}

/** Sum of the products of row `i` of two matrices with n columns. */
function productOf(a: Numbers, b: Numbers, i: number, n: number): number {
  let sum = 0;
  for (let j = i * n; j < (i + 1) * n; j += 1) sum += a[j]! * b[j]!;
  return sum;
}
