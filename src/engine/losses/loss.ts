import type { Static, TObject } from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { LossOpName } from '../ops/loss-op.ts';
import type { OpAttributes } from '../ops/op-attributes.ts';
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

/** What a loss compares. */
export interface LossEnds {
  readonly output: Value;
  readonly target: Value;
  /** Factor of each row's loss, or of each leading axes' (time steps), if there is one. */
  readonly weight: Value | null;
}

/** A loss: what it can be trained on and the op it stands for. */
export interface LossDefinition<Options extends TObject = TObject> {
  readonly type: string;
  readonly summary: string;
  /** Link to the paper or the section of the theory. */
  readonly source?: string;
  /** Options next to `type`, all with defaults. */
  readonly options: Options;
  /** What a class target is read as: an index per vector, or a number (0 or 1) in the output's shape. */
  readonly classTarget: 'int32' | 'real';
  /** Why it cannot train this output on this target, as a sentence, or null. */
  mismatch(output: LossOutput, target: TargetSignature, options: Static<Options>): string | null;
  build(graph: GraphBuilder, ends: LossEnds, options: Static<Options>): BuiltLoss;
}

/** Keeps the option type while checking the record. */
export function defineLoss<Options extends TObject>(definition: LossDefinition<Options>): LossDefinition<Options> {
  return definition;
}

/** Numbers of the prediction must meet as many of the target. */
export function widthMismatch(output: LossOutput, target: TargetSignature): string | null {
  const width = target.kind === 'numbers' ? target.outputs : 1;
  const units = sizeOf(output.shape);
  return units === width ? null : `The output ${formatShape(output.shape)} has ${units} values per row, the target has ${width}.`;
}

/** Numbers, or one column of two classes, which counts as 0 and 1. */
export function numbersMismatch(output: LossOutput, target: TargetSignature): string | null {
  if (target.kind === 'classes' && target.classes > 2) return 'Class numbers are not quantities; a class target needs a cross-entropy.';
  return widthMismatch(output, target);
}

/** Each class must meet one unit. */
export function classMismatch(output: LossOutput, target: TargetSignature): string | null {
  if (target.kind !== 'classes') return widthMismatch(output, target);
  return sizeOf(output.shape) === target.classes
    ? null
    : `The output ${formatShape(output.shape)} has ${sizeOf(output.shape)} units, the target has ${target.classes} classes.`;
}

/** Logits are what a network gives before the activation, so it must not end in one. */
export function logitsMismatch(output: LossOutput, fromLogits: boolean): string | null {
  if (!fromLogits || output.activation === 'linear') return null;
  return `from_logits reads the output as it is before the activation, but it ends in ${output.activation}.`;
}

/** Builds a loss that reads the output as it is. */
export function plainLoss<K extends LossOpName>(graph: GraphBuilder, op: K, ends: LossEnds, attributes: OpAttributes[K]): BuiltLoss {
  return { perVector: graph.apply(op, inputsOf(ends, ends.output), attributes), prediction: ends.output };
}

/**
 * Builds a loss that knows the activation before it. When the output comes straight from `activation`, or is declared to be the
 * logits, the op takes the logits instead: exact for any logit, one pass less, and the activation is computed by the loss.
 */
export function fuse(
  graph: GraphBuilder,
  ends: LossEnds,
  ops: { readonly activation: 'sigmoid' | 'softmax'; readonly plain: PlainLoss; readonly fused: FusedLoss },
  fromLogits: boolean,
): BuiltLoss {
  const producer = graph.producer(ends.output);
  if (fromLogits) return fusedLoss(graph, ops.fused, ends, ends.output);
  if (producer?.op !== ops.activation) return plainLoss(graph, ops.plain, ends, {});
  return fusedLoss(graph, ops.fused, ends, producer.inputs[0]!);
}

/** Builds a loss on logits; the prediction comes from the loss op. */
export function fusedLoss(graph: GraphBuilder, op: FusedLoss | 'perceptron', ends: LossEnds, logits: Value): BuiltLoss {
  const [perVector, prediction] = graph.applyAll(op, inputsOf(ends, logits), {});
  return { perVector: perVector!, prediction: prediction! };
}

function inputsOf({ target, weight }: LossEnds, prediction: Value): Value[] {
  return weight ? [prediction, target, weight] : [prediction, target];
}

type PlainLoss = 'binary_cross_entropy' | 'categorical_cross_entropy' | 'sparse_categorical_cross_entropy';
type FusedLoss = 'sigmoid_cross_entropy' | 'softmax_cross_entropy' | 'sparse_softmax_cross_entropy';
