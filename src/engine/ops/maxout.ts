import type { Numbers } from '../backends/kernel.ts';
import { sizeOf } from '../shape.ts';
import type { KernelDefinition } from './op.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

/** The largest of each `pieces` neighbours of the last axis: z (m, k) with k = pieces, y (m). Goodfellow et al. 2013, section 3. */
export const maxout = defineOp({
  name: 'maxout',
  source: 'https://proceedings.mlr.press/v28/goodfellow13.html',
  outputs(application) {
    const [z] = application.inputs;
    const units = lastAxis(z!) / application.attributes.pieces;
    if (!Number.isInteger(units))
      throw new OpError('maxout', application, `a last axis of whole groups of ${application.attributes.pieces}`);
    return [[...z!.shape.slice(0, -1), units]];
  },
  forward({ inputs: [z], outputs: [y], attributes: { pieces }, layer }) {
    return [{ kernel: 'maxout', buffers: [z!, y!], dims: [perRow(sizeOf(y!.shape)), fixed(pieces)], scalars: [], writes: [1], layer }];
  },
  backward({ node: { inputs, outputs, attributes, layer }, arrived: [dy], wanted: [dz] }) {
    if (!dz) return [];
    const dims = [perRow(sizeOf(outputs[0]!.shape)), fixed(attributes.pieces)];
    return [{ kernel: 'maxout_grad', buffers: [inputs[0]!, dy!, dz], dims, scalars: [], writes: [2], layer }];
  },
  flops: ({ inputs: [z] }) => outerSize(z!) * lastAxis(z!),
  kernels: [valueKernel(), gradientKernel()],
});

function valueKernel(): KernelDefinition {
  return {
    name: 'maxout',
    buffers: ['z (m, k)', 'out: y (m)'],
    dims: ['m', 'k'],
    scalars: [],
    formula: 'y[i] = the largest of z[i,0] … z[i,k-1]',
    run([z, y], [m, k]) {
      for (let i = 0; i < m!; i += 1) {
        let best = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < k!; j += 1) best = Math.max(best, z![i * k! + j]!);
        y![i] = best;
      }
    },
  };
}

function gradientKernel(): KernelDefinition {
  return {
    name: 'maxout_grad',
    buffers: ['z (m, k)', 'dy (m)', 'out: dz (m, k)'],
    dims: ['m', 'k'],
    scalars: [],
    formula: 'dz[i,j] = j is the first largest of z[i] ? dy[i] : 0',
    run([z, dy, dz], [m, k]) {
      for (let i = 0; i < m!; i += 1) {
        const from = i * k!;
        dz!.fill(0, from, from + k!);
        dz![from + largestOf(z!, from, k!)] = dy![i]!;
      }
    },
  };
}

/** Place of the first largest of `count` numbers. */
function largestOf(z: Numbers, from: number, count: number): number {
  let best = 0;
  for (let j = 1; j < count; j += 1) if (z[from + j]! > z[from + best]!) best = j;
  return best;
}
