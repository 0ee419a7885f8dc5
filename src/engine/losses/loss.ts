import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import type { TargetSignature } from '../spec/model-spec.ts';

/** The output layer, as far as a loss cares. */
export interface LossOutput {
  readonly shape: Shape;
  /** Activation the network ends in. */
  readonly activation: string;
}

/** What a loss adds to the graph. */
export interface BuiltLoss {
  /** One loss per last-axis vector of the output; the loss of a batch is their mean. */
  readonly perVector: Value;
  /** The network's output, from the loss op itself where it computes it on the way. */
  readonly prediction: Value;
}

/** A loss: what it can be trained on and the op it stands for. */
export interface LossDefinition {
  readonly type: string;
  readonly summary: string;
  /** Link to the paper or the section of the theory. */
  readonly source?: string;
  /** What a class target is read as: an index per vector, or a number (0 or 1) in the output's shape. */
  readonly classTarget: 'int32' | 'real';
  /** Why it cannot train this output on this target, as a sentence, or null. */
  mismatch(output: LossOutput, target: TargetSignature): string | null;
  build(graph: GraphBuilder, output: Value, target: Value): BuiltLoss;
}

/** Numbers of the prediction must meet as many of the target. */
export function widthMismatch(output: LossOutput, target: TargetSignature): string | null {
  const width = target.kind === 'numbers' ? target.outputs : 1;
  const units = sizeOf(output.shape);
  return units === width ? null : `The output ${formatShape(output.shape)} has ${units} values per row, the target has ${width}.`;
}

/** Each class must meet one unit. */
export function classMismatch(output: LossOutput, target: TargetSignature): string | null {
  if (target.kind !== 'classes') return widthMismatch(output, target);
  return sizeOf(output.shape) === target.classes
    ? null
    : `The output ${formatShape(output.shape)} has ${sizeOf(output.shape)} units, the target has ${target.classes} classes.`;
}

/**
 * Builds a cross-entropy. When the output comes straight from `activation`, the op takes the logits instead: exact for any
 * logit, one pass less, and the activation is computed by the loss.
 */
export function fuse(
  graph: GraphBuilder,
  { output, target }: { readonly output: Value; readonly target: Value },
  ops: { readonly activation: 'sigmoid' | 'softmax'; readonly plain: PlainLoss; readonly fused: FusedLoss },
): BuiltLoss {
  const producer = graph.producer(output);
  if (producer?.op !== ops.activation) return { perVector: graph.apply(ops.plain, [output, target], {}), prediction: output };
  const [perVector, prediction] = graph.applyAll(ops.fused, [producer.inputs[0]!, target], {});
  return { perVector: perVector!, prediction: prediction! };
}

type PlainLoss = 'binary_cross_entropy' | 'categorical_cross_entropy' | 'sparse_categorical_cross_entropy';
type FusedLoss = 'sigmoid_cross_entropy' | 'softmax_cross_entropy' | 'sparse_softmax_cross_entropy';
