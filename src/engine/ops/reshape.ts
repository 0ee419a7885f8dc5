import { sizeOf } from '../shape.ts';
import { defineOp, OpError } from './op.ts';

/** The same elements under another shape, row-major. An alias: it has no kernel and no buffer. */
export const reshape = defineOp({
  name: 'reshape',
  outputs(application) {
    const [x] = application.inputs;
    const { shape } = application.attributes;
    if (!x || sizeOf(x.shape) !== sizeOf(shape))
      throw new OpError('reshape', application, `${sizeOf(shape)} elements for [${shape.join(', ')}]`);
    return [shape];
  },
  forward: () => [],
  backward: () => [],
  flops: () => 0,
  alias: true,
  kernels: [],
});
