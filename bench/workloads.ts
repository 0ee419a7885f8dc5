import type { ModelSpec, TrainRequest } from '../src/engine/index.ts';

/** A network, its batch and its target: what one step of a measurement computes. Optimizer: Adam, learning rate 0.001. */
export interface Workload {
  readonly name: string;
  readonly task: TrainRequest['task'];
  /** Values of a row. */
  readonly features: number;
  /** Of the target; numbers have one column. */
  readonly classes: number;
  readonly batchSize: number;
  /** Steps of one round. */
  readonly steps: number;
  readonly spec: ModelSpec;
}

const PADDED = { kernel_size: 3, padding: 'same' } as const;

/** Every network that a claim about speed is made for. `bench/peers` trains the same ones. */
export const WORKLOADS: readonly Workload[] = [
  mlp('mlp_tabular', [16, 32, 16, 2], { batchSize: 32, steps: 400 }),
  mlp('mlp_mnist', [784, 256, 128, 10], { batchSize: 128, steps: 60 }),
  mlp('mlp_wide', [1024, 1024, 1024, 10], { batchSize: 256, steps: 6 }),
  images('cnn_mnist', [28, 28, 1], 20, [
    { type: 'conv2d', filters: 16, kernel_size: 3, activation: 'relu' },
    { type: 'max_pooling2d' },
    { type: 'conv2d', filters: 32, kernel_size: 3, activation: 'relu' },
    { type: 'max_pooling2d' },
    { type: 'flatten' },
  ]),
  images('cnn_cifar', [32, 32, 3], 4, [
    { type: 'conv2d', filters: 32, activation: 'relu', ...PADDED },
    { type: 'conv2d', filters: 32, activation: 'relu', ...PADDED },
    { type: 'max_pooling2d' },
    { type: 'conv2d', filters: 64, activation: 'relu', ...PADDED },
    { type: 'conv2d', filters: 64, activation: 'relu', ...PADDED },
    { type: 'max_pooling2d' },
    { type: 'flatten' },
    { type: 'dense', units: 128, activation: 'relu' },
  ]),
  images('cnn_bn', [32, 32, 3], 10, [
    { type: 'conv2d', filters: 16, ...PADDED },
    { type: 'batch_normalization' },
    { type: 'activation', activation: 'relu' },
    { type: 'max_pooling2d' },
    { type: 'conv2d', filters: 32, ...PADDED },
    { type: 'batch_normalization' },
    { type: 'activation', activation: 'relu' },
    { type: 'max_pooling2d' },
    { type: 'dropout', rate: 0.25 },
    { type: 'flatten' },
  ]),
  sequence('rnn_seq', 'simple_rnn', { batchSize: 32, steps: 40 }),
  sequence('lstm_seq', 'lstm', { batchSize: 32, steps: 30 }),
  sequence('gru_seq', 'gru', { batchSize: 32, steps: 30 }),
  {
    name: 'lstm_large',
    task: 'classification',
    features: 64 * 64,
    classes: 10,
    batchSize: 64,
    steps: 4,
    spec: { input_shape: [64, 64], layers: [{ type: 'lstm', units: 256 }, softmax(10)] },
  },
];

/** Dense layers with relu between them and a softmax at the end. */
function mlp(
  name: string,
  [features = 0, ...units]: readonly number[],
  { batchSize, steps }: { batchSize: number; steps: number },
): Workload {
  const classes = units.at(-1) ?? 0;
  const layers = [...units.slice(0, -1).map((count) => ({ type: 'dense', units: count, activation: 'relu' })), softmax(classes)];
  return { name, task: 'classification', features, classes, batchSize, steps, spec: { input_shape: [features], layers } };
}

/** Ten classes of images (height, width, channels). */
function images(name: string, shape: readonly number[], steps: number, layers: ModelSpec['layers']): Workload {
  const features = shape.reduce((product, size) => product * size, 1);
  const spec = { input_shape: [...shape], layers: [...layers, softmax(10)] };
  return { name, task: 'classification', features, classes: 10, batchSize: 64, steps, spec };
}

/** 32 steps of 8 values to one number. */
function sequence(name: string, type: string, { batchSize, steps }: { batchSize: number; steps: number }): Workload {
  const layers = [
    { type, units: 64 },
    { type: 'dense', units: 1 },
  ];
  return { name, task: 'regression', features: 32 * 8, classes: 1, batchSize, steps, spec: { input_shape: [32, 8], layers } };
}

function softmax(units: number): ModelSpec['layers'][number] {
  return { type: 'dense', units, activation: 'softmax' };
}
