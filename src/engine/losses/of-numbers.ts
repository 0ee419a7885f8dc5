import Type from 'typebox';
import type { LossDefinition, LossOutput } from './loss.ts';
import { defineLoss, numbersMismatch, plainLoss, widthMismatch } from './loss.ts';
import { NO_OPTIONS } from './options.ts';

export const meanSquaredError = numberLoss('mean_squared_error', 'Mean of the squared distance of prediction and target.');

export const meanAbsoluteError = numberLoss('mean_absolute_error', 'Mean of the distance of prediction and target.');

export const logCosh = numberLoss('log_cosh', 'Mean of log(cosh(distance)): squared near 0, straight far away.');

export const poisson = numberLoss('poisson', 'Mean of p - y log p: the likelihood of counts y under a predicted rate p.');

/** Huber 1964. */
export const huber = defineLoss({
  type: 'huber',
  summary: 'Squared error near 0, absolute error beyond delta: outliers pull less.',
  source: 'https://doi.org/10.1214/aoms/1177703732',
  options: Type.Object({ delta: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'Where the square ends.' }) }),
  classTarget: 'real',
  mismatch: numbersMismatch,
  build: (graph, ends, { delta }) => plainLoss(graph, 'huber', ends, { delta }),
});

/** Cortes and Vapnik 1995. */
export const hinge = defineLoss({
  type: 'hinge',
  summary: 'Mean of max(0, 1 - y p) for targets -1 and 1: the margin of a support vector machine.',
  source: 'https://doi.org/10.1007/BF00994018',
  options: NO_OPTIONS,
  classTarget: 'real',
  mismatch: (output, target) =>
    target.kind === 'classes' ? 'It needs numbers -1 and 1, not a class column.' : widthMismatch(output, target),
  build: (graph, ends) => plainLoss(graph, 'hinge', ends, {}),
});

/** Kullback and Leibler 1951. */
export const klDivergence = defineLoss({
  type: 'kl_divergence',
  summary: 'Sum of y log(y / p): how far predicted probabilities are from those of the target.',
  source: 'https://doi.org/10.1214/aoms/1177729694',
  options: NO_OPTIONS,
  classTarget: 'real',
  mismatch: distributionMismatch,
  build: (graph, ends) => plainLoss(graph, 'kl_divergence', ends, {}),
});

export const cosineSimilarity = defineLoss({
  type: 'cosine_similarity',
  summary: 'Minus the cosine of the angle between prediction and target: direction counts, length does not.',
  options: NO_OPTIONS,
  classTarget: 'real',
  mismatch: distributionMismatch,
  build: (graph, ends) => plainLoss(graph, 'cosine_similarity', ends, {}),
});

/** A loss without options over numbers, one number at a time. */
function numberLoss(type: 'mean_squared_error' | 'mean_absolute_error' | 'log_cosh' | 'poisson', summary: string): LossDefinition {
  return defineLoss({
    type,
    summary,
    options: NO_OPTIONS,
    classTarget: 'real',
    mismatch: numbersMismatch,
    build: (graph, ends) => plainLoss(graph, type, ends, {}),
  });
}

/** Losses of whole vectors say nothing about a single class column. */
function distributionMismatch(output: LossOutput, target: Parameters<typeof widthMismatch>[1]): string | null {
  return target.kind === 'classes' ? 'It compares vectors of numbers, the target is a class column.' : widthMismatch(output, target);
}
