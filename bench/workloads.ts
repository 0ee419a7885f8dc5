import type { ModelSpec } from '../src/engine/index.ts';

/** A network, its batch and its target: what one step of a measurement computes. */
export interface Workload {
  readonly name: string;
  readonly features: number;
  readonly classes: number;
  readonly batchSize: number;
  /** Steps of one round. */
  readonly steps: number;
  readonly spec: ModelSpec;
}

export const WORKLOADS: readonly Workload[] = [
  mlp('mlp_tabular', [16, 32, 16, 2], { batchSize: 32, steps: 400 }),
  mlp('mlp_mnist', [784, 256, 128, 10], { batchSize: 128, steps: 60 }),
  mlp('mlp_wide', [1024, 1024, 1024, 10], { batchSize: 256, steps: 6 }),
];

/** Dense layers with relu between them and a softmax at the end. */
function mlp(
  name: string,
  [features = 0, ...units]: readonly number[],
  { batchSize, steps }: { batchSize: number; steps: number },
): Workload {
  const last = units.length - 1;
  const layers = units.map((count, i) => ({ type: 'dense', units: count, activation: i === last ? 'softmax' : 'relu' }));
  return { name, features, classes: units[last] ?? 0, batchSize, steps, spec: { input_shape: [features], layers } };
}
