import type { LossDefinition } from './loss.ts';
import { classMismatch, fuse, widthMismatch } from './loss.ts';

/** A column of classes holds indices, never one-hot rows, so both losses read it in the same, sparse way. */
export const categoricalCrossEntropy: LossDefinition = {
  type: 'categorical_cross_entropy',
  summary: 'Negative log-likelihood of the true class; targets may be probabilities, one column per class.',
  classTarget: 'int32',
  mismatch: classMismatch,
  build: (graph, output, target) =>
    target.type === 'int32'
      ? sparseCategoricalCrossEntropy.build(graph, output, target)
      : fuse(graph, { output, target }, { activation: 'softmax', plain: 'categorical_cross_entropy', fused: 'softmax_cross_entropy' }),
};

export const sparseCategoricalCrossEntropy: LossDefinition = {
  type: 'sparse_categorical_cross_entropy',
  summary: 'Negative log-likelihood of the true class, given as a class column.',
  classTarget: 'int32',
  mismatch: (output, target) =>
    target.kind === 'classes' ? classMismatch(output, target) : (widthMismatch(output, target) ?? 'It needs a class column, not numbers.'),
  build: (graph, output, target) =>
    fuse(
      graph,
      { output, target },
      { activation: 'softmax', plain: 'sparse_categorical_cross_entropy', fused: 'sparse_softmax_cross_entropy' },
    ),
};
