import type { LayerReport } from '../src/engine/index.ts';
import { checked } from './training-request.ts';
import type { Workload } from './workloads.ts';

/**
 * Floating-point operations of one training step, as they are really done. With f those of a layer's forward pass: a layer
 * with weights takes f for the gradient of its weights and f for that of its input, any other one f; nobody asks for the
 * gradient of the network's own input.
 */
export function operationsPerStep(workload: Workload): number {
  const { layers } = checked(workload);
  const first = layers.find(({ params }) => params > 0);
  const perRow = layers.reduce((sum, layer) => sum + layer.flops * (layer.params > 0 ? 3 : 2), 0);
  return (perRow - (first ? inputGradient(first, workload) : 0)) * workload.batchSize;
}

/** What the first layer would spend on its input. In a recurrent one that is the part of its products that reads the input. */
function inputGradient({ type, flops, output_shape }: LayerReport, { spec }: Workload): number {
  if (!['simple_rnn', 'lstm', 'gru'].includes(type)) return flops;
  const inputs = spec.input_shape?.at(-1) ?? 0;
  const units = output_shape.at(-1) ?? 0;
  return (flops * inputs) / (inputs + units);
}
