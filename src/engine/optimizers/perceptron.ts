import Type from 'typebox';
import { defineOptimizer } from './optimizer.ts';

/**
 * Rosenblatt 1958: `W += lr x^T (y - p)`, row by row. The error comes as the gradient of the loss `perceptron`, so the update is
 * plain descent; the trainer takes single rows and ends at the first epoch without an error.
 */
export const perceptron = defineOptimizer({
  type: 'perceptron',
  summary: "Rosenblatt's rule for one dense layer with the step function, row by row; ends when every row is right.",
  source: 'https://doi.org/10.1037/h0042519',
  options: Type.Object({ learning_rate: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'Step size.' }) }),
  slots: () => 0,
  update: () => ({ kernel: 'sgd', scalars: [] }),
  kernels: [],
});
