import { defineLoss, fusedLoss, numbersMismatch } from './loss.ts';
import { NO_OPTIONS } from './options.ts';

export const perceptron = defineLoss({
  type: 'perceptron',
  summary: "Share of rows with a wrong answer of a step unit; its gradient is the error, which makes descent Rosenblatt's rule.",
  source: 'https://doi.org/10.1037/h0042519',
  options: NO_OPTIONS,
  classTarget: 'real',
  mismatch(output, target) {
    if (output.activation !== 'step') return `It is for units with the step function, the output ends in ${output.activation}.`;
    if (target.kind !== 'classes') return 'It needs a class column: numbers are standardised, a step answers 0 or 1.';
    return numbersMismatch(output, target);
  },
  build(graph, ends) {
    const producer = graph.producer(ends.output);
    if (producer?.op !== 'step') throw new Error('The loss perceptron needs an output that comes from step: the request was not checked');
    return fusedLoss(graph, 'perceptron', ends, producer.inputs[0]!);
  },
});
