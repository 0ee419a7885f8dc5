import type { NodeOf, Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import { type ConvolutionSizes, convolutionSizes } from './convolution-kernels.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';
import { planeOf, shapeOfPlane } from './window.ts';

/**
 * The transpose of a convolution: every cell of x [(p,) q, f] adds itself times the kernel (r, s, c, f) to a window of
 * y [(h,) w, c], plus bias (c). `size` is the plane of y, `before` what is cropped of it; `output` is the plane of x, the positions
 * the convolution from y to x would have. Dumoulin and Visin 2016, section 4.
 */
export const convolutionTranspose = defineOp({
  name: 'convolution_transpose',
  source: 'https://arxiv.org/abs/1603.07285',
  outputs(application) {
    const [x, kernel, bias] = application.inputs;
    const { window, size, output } = application.attributes;
    const channels = sizeOf(kernel?.shape ?? []) / (window[0] * window[1] * (kernel?.shape.at(-1) ?? 1));
    const plane = planeOf(x?.shape ?? []);
    const fits = plane.height === output[0] && plane.width === output[1] && plane.channels === kernel?.shape.at(-1);
    if (!x || !kernel || !fits || (bias && sizeOf(bias.shape) !== channels)) {
      throw new OpError('convolution_transpose', application, 'x [(p,) q, f], kernel [(r,) s, c, f] and bias [c]');
    }
    return [shapeOfPlane(size, channels, x.shape.length)];
  },
  forward(node) {
    const [x, kernel, bias] = node.inputs;
    const { scratch, ...shared } = sizesOf(node);
    const buffers = [x!, kernel!, bias ?? null, node.outputs[0]!, scratch];
    return [{ ...shared, kernel: 'convolution_grad_input', buffers, writes: [3, 4] }];
  },
  backward({ node, arrived: [dy], wanted: [dx, dKernel, dBias] }) {
    const [x, kernel] = node.inputs;
    const { layer } = node;
    const { scratch, ...shared } = sizesOf(node);
    const biasDims = [perRow(outerSize(node.outputs[0]!)), fixed(lastAxis(node.outputs[0]!))];
    return [
      ...(dKernel ? [{ ...shared, kernel: 'convolution_grad_kernel', buffers: [dy!, x!, dKernel, scratch], writes: [2, 3] }] : []),
      ...(dBias ? [{ kernel: 'dense_grad_bias', buffers: [dy!, dBias], dims: biasDims, scalars: [], writes: [1], layer }] : []),
      ...(dx ? [{ ...shared, kernel: 'convolution', buffers: [dy!, kernel!, null, dx, scratch], writes: [3, 4] }] : []),
    ];
  },
  flops({ inputs: [x, kernel, bias], outputs: [y] }) {
    return 2 * outerSize(x!) * sizeOf(kernel!.shape) + (bias ? sizeOf(y!.shape) : 0);
  },
  // Those of `convolution`, the other way round.
  kernels: [],
});

function sizesOf({ inputs, outputs, attributes, layer }: NodeOf<'convolution_transpose'>): ConvolutionSizes {
  const [y] = outputs;
  const kernel: Value = inputs[1]!;
  return convolutionSizes({ x: y!, kernel, depth: lastAxis(y!), attributes, layer });
}
