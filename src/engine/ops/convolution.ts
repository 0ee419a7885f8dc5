import { sizeOf } from '../shape.ts';
import { CONVOLUTION_KERNELS, type ConvolutionSizes, convolutionSizes } from './convolution-kernels.ts';
import type { Application, BackwardRequest } from './op.ts';
import { defineOp, fixed, OpError, outerSize, perRow } from './op.ts';
import { planeOf, shapeOfPlane } from './window.ts';

/**
 * Cross-correlation over one or two axes, channels last: x [(h,) w, c], kernel (r, s, d, f), bias (f), y [(p,) q, f].
 * With d = c / groups, output group g sees input group g. d = 1 is a depthwise convolution, whose kernel (r, s, c, multiplier)
 * has the same memory.
 */
export const convolution = defineOp({
  name: 'convolution',
  source: 'https://doi.org/10.1109/5.726791',
  outputs(application) {
    const { x, filters } = operandsOf(application);
    return [shapeOfPlane(application.attributes.output, filters, x.shape.length)];
  },
  forward(node) {
    const [x, kernel, bias] = node.inputs;
    const { scratch, ...shared } = sizesOf(node);
    return [{ ...shared, kernel: 'convolution', buffers: [x!, kernel!, bias ?? null, node.outputs[0]!, scratch], writes: [3, 4] }];
  },
  backward(request) {
    const { node, arrived, wanted } = request;
    const [x, kernel] = node.inputs;
    const [dy] = arrived;
    const [dx, dKernel] = wanted;
    const { scratch, ...shared } = sizesOf(node);
    return [
      ...(dKernel ? [{ ...shared, kernel: 'convolution_grad_kernel', buffers: [x!, dy!, dKernel, scratch], writes: [2, 3] }] : []),
      ...biasCalls(request),
      ...(dx ? [{ ...shared, kernel: 'convolution_grad_input', buffers: [dy!, kernel!, null, dx, scratch], writes: [3, 4] }] : []),
    ];
  },
  flops({ inputs: [, kernel, bias], outputs: [y] }) {
    return 2 * outerSize(y!) * sizeOf(kernel!.shape) + (bias ? sizeOf(y!.shape) : 0);
  },
  kernels: CONVOLUTION_KERNELS,
});

function operandsOf(application: Pick<Application<'convolution'>, 'inputs' | 'attributes' | 'layer'>) {
  const [x, kernel, bias] = application.inputs;
  const { window, groups } = application.attributes;
  const depth = planeOf(x?.shape ?? []).channels / groups;
  const filters = sizeOf(kernel?.shape ?? []) / (window[0] * window[1] * depth);
  const isWhole = Number.isInteger(depth) && Number.isInteger(filters / groups);
  if (!x || !kernel || !isWhole || (bias && sizeOf(bias.shape) !== filters)) {
    throw new OpError('convolution', application, 'x [(h,) w, c], kernel [(r,) s, c / groups, f] and bias [f]');
  }
  return { x, kernel, depth, filters };
}

function sizesOf(node: BackwardRequest<'convolution'>['node']): ConvolutionSizes {
  const { x, kernel, depth } = operandsOf(node);
  return convolutionSizes({ x, kernel, depth, attributes: node.attributes, layer: node.layer });
}

/** The bias is that of a dense layer over all positions. */
function biasCalls({ node: { outputs, layer }, arrived: [dy], wanted: [, , dBias] }: BackwardRequest<'convolution'>) {
  if (!dBias) return [];
  const dims = [perRow(outerSize(outputs[0]!)), fixed(sizeOf(dBias.shape))];
  return [{ kernel: 'dense_grad_bias', buffers: [dy!, dBias], dims, scalars: [], writes: [1], layer }];
}
