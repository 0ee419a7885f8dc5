import Type from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import { classMismatch, defineLoss, fuse, logitsMismatch, widthMismatch } from './loss.ts';
import { FROM_LOGITS, LABEL_SMOOTHING } from './options.ts';

const DENSE = { activation: 'softmax', plain: 'categorical_cross_entropy', fused: 'softmax_cross_entropy' } as const;
const SPARSE = { activation: 'softmax', plain: 'sparse_categorical_cross_entropy', fused: 'sparse_softmax_cross_entropy' } as const;

/**
 * A column of classes holds indices, never one-hot rows, so both losses read it in the same, sparse way; smoothed classes
 * become rows of probabilities (Szegedy et al. 2016, section 7).
 */
export const categoricalCrossEntropy = defineLoss({
  type: 'categorical_cross_entropy',
  summary: 'Negative log-likelihood of the true class; targets may be probabilities, one column per class.',
  options: Type.Object({ label_smoothing: LABEL_SMOOTHING, from_logits: FROM_LOGITS }),
  classTarget: 'int32',
  mismatch: (output, target, { from_logits }) => classMismatch(output, target) ?? logitsMismatch(output, from_logits),
  build(graph, { target, ...ends }, { label_smoothing, from_logits }) {
    if (label_smoothing > 0) {
      const smoothed = smooth(graph, target, label_smoothing, ends.output.shape.at(-1)!);
      return fuse(graph, { ...ends, target: smoothed }, DENSE, from_logits);
    }
    return fuse(graph, { ...ends, target }, target.type === 'int32' ? SPARSE : DENSE, from_logits);
  },
});

export const sparseCategoricalCrossEntropy = defineLoss({
  type: 'sparse_categorical_cross_entropy',
  summary: 'Negative log-likelihood of the true class, given as a class column.',
  options: Type.Object({ from_logits: FROM_LOGITS }),
  classTarget: 'int32',
  mismatch(output, target, { from_logits }) {
    if (target.kind === 'classes') return classMismatch(output, target) ?? logitsMismatch(output, from_logits);
    return widthMismatch(output, target) ?? 'It needs a class column, not numbers.';
  },
  build: (graph, ends, { from_logits }) => fuse(graph, ends, SPARSE, from_logits),
});

/** `y (1 - s) + s / classes`. */
function smooth(graph: GraphBuilder, target: Value, s: number, classes: number): Value {
  const off = s / classes;
  if (target.type === 'int32') return graph.apply('one_hot', [target], { classes, on: 1 - s + off, off });
  return graph.apply('affine', [target], { scale: 1 - s, shift: off });
}
