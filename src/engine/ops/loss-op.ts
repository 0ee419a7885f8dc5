import type { Value } from '../graph/value.ts';
import { sameShape, sizeOf } from '../shape.ts';
import type { Call, KernelDefinition, Op } from './op.ts';
import { fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';

type Run = KernelDefinition['run'];

/** Ops a network can end in to be trained. */
export const LOSS_OPS = [
  'mean_squared_error',
  'mean_absolute_error',
  'huber',
  'log_cosh',
  'hinge',
  'poisson',
  'kl_divergence',
  'cosine_similarity',
  'binary_cross_entropy',
  'sigmoid_cross_entropy',
  'categorical_cross_entropy',
  'softmax_cross_entropy',
  'sparse_categorical_cross_entropy',
  'sparse_softmax_cross_entropy',
  'perceptron',
] as const satisfies readonly OpName[];

export type LossOpName = (typeof LOSS_OPS)[number];

/** What distinguishes one loss op from another. */
export interface LossOp<K extends LossOpName> {
  readonly name: K;
  readonly source?: string;
  /** `logits`: the activation is fused in, and the op also gives the prediction, from which backward works. */
  readonly input: 'prediction' | 'logits';
  /** `classes`: one class index per vector. `same`: the prediction's shape. */
  readonly target: 'same' | 'classes';
  readonly formula: string;
  readonly gradFormula: string;
  readonly flopsPerElement: number;
  /** Names of the kernels' scalars and where they come from. */
  readonly scalars?: { readonly names: readonly string[]; of(attributes: OpAttributes[K]): readonly number[] };
  /** Kernel over m vectors of n elements. */
  readonly run: Run;
  readonly runGrad: Run;
}

/**
 * A loss reduces each last-axis vector to one number; the loss of a batch is the mean of these m numbers. Backward starts
 * here: the gradient kernels divide by m themselves. A third input weighs the vectors: one weight per row, or per leading
 * axes of the vectors. The mean still divides by m, never by the sum of the weights.
 */
export function lossOp<K extends LossOpName>(loss: LossOp<K>): Op<K> {
  const fused = loss.input === 'logits';
  const scalarsOf = (attributes: OpAttributes[K]) => loss.scalars?.of(attributes) ?? [];
  return {
    name: loss.name,
    ...(loss.source !== undefined && { source: loss.source }),
    outputs(application) {
      const [prediction, target, weight] = application.inputs;
      const vectors = prediction!.shape.slice(0, -1);
      if (!sameShape(target!.shape, loss.target === 'classes' ? vectors : prediction!.shape)) {
        throw new OpError(loss.name, application, loss.target === 'classes' ? 'one class per vector' : 'a target shaped as the prediction');
      }
      if (weight && !sameShape(weight.shape, vectors.slice(0, weight.shape.length))) {
        throw new OpError(loss.name, application, 'weights per row or per leading axes of the prediction');
      }
      return [vectors, ...(fused ? [prediction!.shape] : [])];
    },
    forward({ inputs: [prediction, target, weight], outputs: [perVector, activated], attributes, layer }) {
      const buffers = [prediction!, target!, perVector!, ...(fused ? [activated!] : [])];
      const writes = fused ? [2, 3] : [2];
      const call = { kernel: loss.name, buffers, dims: vectorsOf(prediction!), scalars: scalarsOf(attributes), writes, layer };
      return [call, ...weightCalls(perVector!, weight, layer)];
    },
    backward({ node: { inputs, outputs, attributes, layer }, wanted: [gradient] }) {
      if (!gradient) return [];
      const [prediction, target, weight] = inputs;
      const buffers = [fused ? outputs[1]! : prediction!, target!, gradient];
      const dims = vectorsOf(prediction!);
      const call = { kernel: `${loss.name}_grad`, buffers, dims, scalars: scalarsOf(attributes), writes: [2], layer };
      return [call, ...weightCalls(gradient, weight, layer)];
    },
    flops: ({ inputs: [prediction] }) => loss.flopsPerElement * outerSize(prediction!) * lastAxis(prediction!),
    kernels: kernelsOf(loss),
  };
}

/** Multiplies what belongs to each weight by it. */
function weightCalls(weighted: Value, weight: Value | undefined, layer: string): Call[] {
  if (!weight) return [];
  const weights = sizeOf(weight.shape);
  const dims = [perRow(weights), fixed(sizeOf(weighted.shape) / weights)];
  return [{ kernel: 'scale_rows', buffers: [weighted, weight], dims, scalars: [], writes: [0], layer }];
}

function vectorsOf(prediction: Value) {
  return [perRow(outerSize(prediction)), fixed(lastAxis(prediction))];
}

function kernelsOf<K extends LossOpName>(loss: LossOp<K>): KernelDefinition[] {
  const target = loss.target === 'classes' ? 'y (m) int32 classes' : 'y (m, n)';
  const shared = { dims: ['m', 'n'], scalars: loss.scalars?.names ?? [] };
  const fused = loss.input === 'logits';
  return [
    {
      ...shared,
      name: loss.name,
      buffers: [fused ? 'z (m, n) logits' : 'p (m, n)', target, 'out: loss (m)', ...(fused ? ['out: p (m, n)'] : [])],
      formula: loss.formula,
      run: loss.run,
    },
    {
      ...shared,
      name: `${loss.name}_grad`,
      buffers: ['p (m, n)', target, fused ? 'out: dz (m, n)' : 'out: dp (m, n)'],
      formula: loss.gradFormula,
      run: loss.runGrad,
    },
  ];
}
