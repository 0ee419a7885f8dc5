/*
 * Batch normalisation (Ioffe and Szegedy 2015, algorithms 1 and 2) over all axes but the last: x (m, c), gamma and beta (c).
 * `batch_normalization` uses the mean and the biased variance of the batch, `normalization` those it is given (inference). Steps that a
 * mask (m) leaves out do not count in mean and variance, but are normalised like the others, as in Keras 3. With the weights w of the
 * mask and n steps that count, z as normalised: `dx = gamma / sqrt(variance + epsilon) (dy - w / n (sum of dy + z sum of dy z))`, where
 * the sums are over all steps.
 */

import type { NodeOf, Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import { NORMALIZATION_KERNELS } from './normalization-kernels.ts';
import type { Application, BackwardRequest, Call } from './op.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow, scratchValue } from './op.ts';

type NormalizationOp = 'batch_normalization' | 'normalization';

/**
 * Inputs: x, gamma and beta as the attributes say, moving mean, moving variance, a mask if masked. Outputs: y, and the mean and
 * variance of the batch, which move the running averages once the step is accepted: `moving = momentum moving + (1 - momentum) batch`.
 */
export const batchNormalization = defineOp({
  name: 'batch_normalization',
  source: 'https://arxiv.org/abs/1502.03167',
  outputs(application) {
    const { x, mean } = partsOf(application);
    return [x.shape, mean.shape, mean.shape];
  },
  perBatch: [1, 2],
  forward(node) {
    const { x, mask } = partsOf(node);
    const [y, mean, variance] = node.outputs;
    const { dims, layer } = sharedOf(node);
    return [
      { kernel: 'batch_statistics', buffers: [x, mask, mean!, variance!], dims, scalars: [], writes: [2, 3], layer },
      normalizeCall(node, mean!, variance!, y!),
    ];
  },
  backward(request) {
    const { node, arrived, wanted } = request;
    const [, mean, variance] = node.outputs;
    const statistics = { mean: mean!, variance: variance! };
    const { x, gamma, mask } = partsOf(node);
    const [dx] = wanted;
    const sums = sumsOf(request);
    const calls = dx || sums.isWanted ? [sumsCall(request, statistics, sums)] : [];
    if (!dx) return calls;
    const buffers = [x, arrived[0]!, statistics.mean, statistics.variance, gamma, sums.dGamma, sums.dBeta, mask, dx];
    return [...calls, { ...sharedOf(node), kernel: 'batch_normalization_grad_input', buffers, writes: [8], inPlace: [1, 8] }];
  },
  stateUpdates(node) {
    const { mean, variance } = partsOf(node);
    const scalars = [node.attributes.momentum];
    return [
      [mean, node.outputs[1]!],
      [variance, node.outputs[2]!],
    ].map(([moving, batch]) => {
      return {
        kernel: 'moving_average',
        buffers: [moving!, batch!],
        dims: [fixed(lastAxis(moving!))],
        scalars,
        writes: [0],
        layer: node.layer,
      };
    });
  },
  // Two passes for mean and variance, one to normalise.
  flops: ({ inputs: [x] }) => 8 * sizeOf(x!.shape),
  kernels: NORMALIZATION_KERNELS,
});

/** Inputs: x, gamma and beta as the attributes say, mean, variance. Mean and variance are taken as they are: they get no gradient. */
export const normalization = defineOp({
  name: 'normalization',
  source: 'https://arxiv.org/abs/1502.03167',
  outputs: (application) => [partsOf(application).x.shape],
  forward(node) {
    const { mean, variance } = partsOf(node);
    return [normalizeCall(node, mean, variance, node.outputs[0]!)];
  },
  backward(request) {
    const { node, arrived, wanted } = request;
    const { variance, gamma, ...statistics } = partsOf(node);
    const [dx] = wanted;
    const sums = sumsOf(request);
    const buffers = [arrived[0]!, variance, gamma];
    return [
      ...(sums.isWanted ? [sumsCall(request, { variance, mean: statistics.mean }, sums)] : []),
      ...(dx
        ? [{ ...sharedOf(node), kernel: 'normalize_grad_input', buffers: [...buffers, dx], writes: [3], inPlace: [0, 3] as const }]
        : []),
    ];
  },
  flops: ({ inputs: [x] }) => 3 * sizeOf(x!.shape),
  // Those of `batch_normalization`.
  kernels: [],
});

interface Parts {
  readonly x: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly gamma: Value | null;
  readonly beta: Value | null;
  /** Which of the vectors of the last axis count, one number each. */
  readonly mask: Value | null;
}

function partsOf(application: Pick<Application<NormalizationOp>, 'inputs' | 'attributes' | 'layer'>): Parts {
  const { scale, center } = application.attributes;
  const isMasked = 'masked' in application.attributes && application.attributes.masked;
  const [x, ...others] = application.inputs;
  const mask = (isMasked && others.at(-1)) || null;
  const weights = mask ? others.slice(0, -1) : others;
  const [mean, variance] = weights.slice(-2);
  const affine = weights.slice(0, -2);
  const isComplete = affine.length === Number(scale) + Number(center);
  if (!x || !mean || !variance || !isComplete || weights.some((weight) => sizeOf(weight.shape) !== lastAxis(x))) {
    throw new OpError('batch_normalization', application, 'x [..., c] and one number per channel for the rest');
  }
  if (mask && sizeOf(mask.shape) !== outerSize(x)) throw new OpError('batch_normalization', application, 'a mask of all axes but the last');
  return { x, mean, variance, gamma: (scale && affine[0]) || null, beta: (center && affine.at(-1)) || null, mask };
}

function sharedOf(node: NodeOf<NormalizationOp>) {
  const [x] = node.inputs;
  return { dims: [perRow(outerSize(x!)), fixed(lastAxis(x!))], scalars: [node.attributes.epsilon], layer: node.layer };
}

function normalizeCall(node: NodeOf<NormalizationOp>, mean: Value, variance: Value, y: Value): Call {
  const { x, gamma, beta } = partsOf(node);
  return { ...sharedOf(node), kernel: 'normalize', buffers: [x, mean, variance, gamma, beta, y], writes: [5] };
}

/** Where the sums over the batch go, which are the gradients of gamma and beta and stand in that of x too. */
function sumsOf({ node, wanted }: BackwardRequest<NormalizationOp>) {
  const { scale, center } = node.attributes;
  const dGamma = scale ? wanted[1] : null;
  const dBeta = center ? wanted[scale ? 2 : 1] : null;
  const channels = lastAxis(node.inputs[0]!);
  return {
    isWanted: Boolean(dGamma ?? dBeta),
    dGamma: dGamma ?? scratchValue(node.layer, channels),
    dBeta: dBeta ?? scratchValue(node.layer, channels),
  };
}

interface Statistics {
  readonly mean: Value;
  readonly variance: Value;
}

function sumsCall(
  { node, arrived }: BackwardRequest<NormalizationOp>,
  { mean, variance }: Statistics,
  { dGamma, dBeta }: { readonly dGamma: Value; readonly dBeta: Value },
): Call {
  const buffers = [node.inputs[0]!, arrived[0]!, mean, variance, dGamma, dBeta];
  return { ...sharedOf(node), kernel: 'normalize_grad_affine', buffers, writes: [4, 5] };
}
