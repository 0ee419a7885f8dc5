import type { LossDefinition } from './loss.ts';
import { widthMismatch } from './loss.ts';

export const meanSquaredError: LossDefinition = {
  type: 'mean_squared_error',
  summary: 'Mean of the squared distance of prediction and target.',
  classTarget: 'real',
  mismatch(output, target) {
    if (target.kind === 'classes' && target.classes > 2) return 'Class numbers are not quantities; a class target needs a cross-entropy.';
    return widthMismatch(output, target);
  },
  build: (graph, output, target) => ({ perVector: graph.apply('mean_squared_error', [output, target], {}), prediction: output }),
};
