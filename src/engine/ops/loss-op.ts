import { sameShape } from '../shape.ts';
import type { KernelDefinition, Op } from './op.ts';
import { fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';
import type { OpName } from './op-attributes.ts';

type Run = KernelDefinition['run'];

export type LossOpName = Extract<OpName, `${string}_cross_entropy` | 'mean_squared_error'>;

/** What distinguishes one loss op from another. */
export interface LossOp<K extends LossOpName> {
  readonly name: K;
  readonly source?: string;
  /** `logits`: the activation is fused in, and the op also gives the probabilities, from which backward works. */
  readonly input: 'prediction' | 'logits';
  /** `classes`: one class index per vector. `same`: the prediction's shape. */
  readonly target: 'same' | 'classes';
  readonly formula: string;
  readonly gradFormula: string;
  readonly flopsPerElement: number;
  /** Kernel over m vectors of n elements. */
  readonly run: Run;
  readonly runGrad: Run;
}

/**
 * A loss reduces each last-axis vector to one number; the loss of a batch is the mean of these m numbers. Backward starts
 * here: the gradient kernels divide by m themselves.
 */
export function lossOp<K extends LossOpName>(loss: LossOp<K>): Op<K> {
  const fused = loss.input === 'logits';
  return {
    name: loss.name,
    ...(loss.source !== undefined && { source: loss.source }),
    outputs(application) {
      const [prediction, target] = application.inputs;
      const vectors = prediction!.shape.slice(0, -1);
      if (!sameShape(target!.shape, loss.target === 'classes' ? vectors : prediction!.shape)) {
        throw new OpError(loss.name, application, loss.target === 'classes' ? 'one class per vector' : 'a target shaped as the prediction');
      }
      return [vectors, ...(fused ? [prediction!.shape] : [])];
    },
    forward({ inputs: [prediction, target], outputs: [perVector, probabilities], layer }) {
      const buffers = [prediction!, target!, perVector!, ...(fused ? [probabilities!] : [])];
      const writes = fused ? [2, 3] : [2];
      return [{ kernel: loss.name, buffers, dims: vectorsOf(prediction!), scalars: [], writes, layer }];
    },
    backward({ node: { inputs, outputs, layer }, wanted: [gradient] }) {
      if (!gradient) return [];
      const [prediction, target] = inputs;
      const from = fused ? outputs[1]! : prediction!;
      const dims = vectorsOf(prediction!);
      return [{ kernel: `${loss.name}_grad`, buffers: [from, target!, gradient], dims, scalars: [], writes: [2], layer }];
    },
    flops: ({ inputs: [prediction] }) => loss.flopsPerElement * outerSize(prediction!) * lastAxis(prediction!),
    kernels: kernelsOf(loss),
  };
}

function vectorsOf(prediction: Parameters<typeof outerSize>[0]) {
  return [perRow(outerSize(prediction)), fixed(lastAxis(prediction))];
}

function kernelsOf<K extends LossOpName>(loss: LossOp<K>): KernelDefinition[] {
  const target = loss.target === 'classes' ? 'y (m) int32 classes' : 'y (m, n)';
  const shared = { dims: ['m', 'n'], scalars: [] };
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
