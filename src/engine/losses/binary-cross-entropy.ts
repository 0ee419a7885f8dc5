import Type from 'typebox';
import { defineLoss, fuse, logitsMismatch, widthMismatch } from './loss.ts';
import { FROM_LOGITS, LABEL_SMOOTHING } from './options.ts';

export const binaryCrossEntropy = defineLoss({
  type: 'binary_cross_entropy',
  summary: 'Negative log-likelihood of yes-or-no targets under the predicted probabilities.',
  options: Type.Object({ label_smoothing: LABEL_SMOOTHING, from_logits: FROM_LOGITS }),
  classTarget: 'real',
  mismatch(output, target, { from_logits }) {
    if (target.kind === 'classes' && target.classes > 2) return `It tells two classes apart, the target has ${target.classes}.`;
    return widthMismatch(output, target) ?? logitsMismatch(output, from_logits);
  },
  build(graph, { target: certain, ...ends }, { label_smoothing: s, from_logits }) {
    const target = s > 0 ? graph.apply('affine', [certain], { scale: 1 - s, shift: s / 2 }) : certain;
    const ops = { activation: 'sigmoid', plain: 'binary_cross_entropy', fused: 'sigmoid_cross_entropy' } as const;
    return fuse(graph, { ...ends, target }, ops, from_logits);
  },
});
