import type { Backend } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { LOSSES, lossOf } from '../losses/index.ts';
import { withDefaults } from '../schema.ts';
import { nameIn } from './name-in.ts';
import { runGraph } from './run-graph.ts';
import type { Comparison, Vector, VectorTensor } from './vector.ts';
import { comparison } from './vector.ts';

/** A loss by itself: its mean and the gradient of the prediction. */
export function runLoss({ spec, inputs, expect }: Vector, backend: Backend): Comparison[] {
  const graph = new GraphBuilder('training');
  const { type, ...posted } = spec;
  const definition = lossOf(nameIn(LOSSES, type, 'loss'));
  const prediction = inputValue(graph, 'y_pred', inputs['y_pred']);
  const target = inputValue(graph, 'y_true', inputs['y_true']);
  const options = withDefaults(definition.options, posted) as Record<string, unknown>;
  const { perVector } = definition.build(graph, { output: prediction, target, weight: null }, options);
  const data = new Map([
    [prediction, inputs['y_pred']!.data],
    [target, inputs['y_true']!.data],
  ]);
  const batchSize = inputs['y_pred']!.shape[0]!;
  const result = runGraph({ graph, data, root: perVector, backward: 'loss', of: [prediction] }, { backend, batchSize, realBytes: 4 });
  const mean = result.output.reduce((sum, value) => sum + value, 0) / result.output.length;
  return [
    ...comparison('loss', expect.output, [mean]),
    ...comparison('gradient of y_pred', expect.grad_inputs?.['y_pred'], result.gradients[0]!, inputs['y_pred']!.shape),
  ];
}

function inputValue(graph: GraphBuilder, label: string, tensor: VectorTensor | undefined): Value {
  if (!tensor) throw new Error(`The case has no ${label}`);
  return graph.input(label, tensor.shape.slice(1), tensor.dtype === 'int32' ? 'int32' : 'real');
}
