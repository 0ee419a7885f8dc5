import type { LossDefinition } from './loss.ts';
import { fuse, widthMismatch } from './loss.ts';

export const binaryCrossEntropy: LossDefinition = {
  type: 'binary_cross_entropy',
  summary: 'Negative log-likelihood of yes-or-no targets under the predicted probabilities.',
  classTarget: 'real',
  mismatch(output, target) {
    if (target.kind === 'classes' && target.classes > 2) return `It tells two classes apart, the target has ${target.classes}.`;
    return widthMismatch(output, target);
  },
  build: (graph, output, target) =>
    fuse(graph, { output, target }, { activation: 'sigmoid', plain: 'binary_cross_entropy', fused: 'sigmoid_cross_entropy' }),
};
