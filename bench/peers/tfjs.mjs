// TensorFlow.js's side of a measurement: backends `wasm` and `cpu`. Plain JavaScript, since its packages are there only where
// the bench has installed them.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as layers from '@tensorflow/tfjs-layers';
import { serveRounds } from '../sides/protocol.ts';

const ROUND_MS = 50;
/** A round of a slow network has fewer steps than the workload says, but at least one. */
const TRAINING_ROUND_MS = 300;
const STEP_MS_MAX = 3000;

/** The usual orthogonal one needs methods of tensors that the core package leaves out; it makes no difference to the time. */
const RECURRENT = { recurrentInitializer: 'glorotUniform' };

const MAKERS = {
  dense: ({ units, activation }) => layers.layers.dense({ units, activation }),
  conv2d: ({ filters, kernel_size, padding, activation }) =>
    layers.layers.conv2d({ filters, kernelSize: kernel_size, padding: padding ?? 'valid', activation }),
  max_pooling2d: () => layers.layers.maxPooling2d({ poolSize: 2 }),
  batch_normalization: () => layers.layers.batchNormalization(),
  activation: ({ activation }) => layers.layers.activation({ activation }),
  dropout: ({ rate }) => layers.layers.dropout({ rate }),
  flatten: () => layers.layers.flatten(),
  simple_rnn: ({ units }) => layers.layers.simpleRNN({ units, ...RECURRENT }),
  lstm: ({ units }) => layers.layers.lstm({ units, recurrentActivation: 'sigmoid', ...RECURRENT }),
  gru: ({ units }) => layers.layers.gru({ units, recurrentActivation: 'sigmoid', ...RECURRENT }),
};

await serveRounds(async (request) => {
  await tf.setBackend(request.backend);
  const model = build(request.workload.spec);
  const measure = request.kind === 'training' ? await training(model, request.workload) : inference(model, request.workload);
  const kernels = model.weights.filter(({ shape }) => shape.length > 1);
  return {
    variant: tf.version_core,
    round: measure,
    end: () => ({ kernel_values: kernels.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0) }),
  };
});

function build({ input_shape, layers: wanted }) {
  const model = layers.sequential();
  model.add(layers.layers.inputLayer({ inputShape: input_shape }));
  for (const layer of wanted) model.add(MAKERS[layer.type](layer));
  return model;
}

async function training(model, { task, spec, batchSize, classes, steps }) {
  const isClasses = task === 'classification';
  const x = tf.randomNormal([batchSize, ...spec.input_shape]);
  const y = isClasses ? tf.tensor2d(Array.from({ length: batchSize }, (_, i) => [i % classes])) : tf.randomNormal([batchSize, 1]);
  model.compile({ optimizer: tf.train.adam(0.001), loss: isClasses ? 'sparseCategoricalCrossentropy' : 'meanSquaredError' });
  await model.trainOnBatch(x, y);
  const startedAt = performance.now();
  await model.trainOnBatch(x, y);
  const stepMs = performance.now() - startedAt;
  if (stepMs > STEP_MS_MAX) throw new Error(`a step takes ${(stepMs / 1000).toFixed(1)} s`);
  const count = Math.max(1, Math.min(steps, Math.round(TRAINING_ROUND_MS / stepMs)));
  return async () => {
    const roundStartedAt = performance.now();
    for (let step = 0; step < count; step++) await model.trainOnBatch(x, y);
    return (performance.now() - roundStartedAt) / 1000 / count;
  };
}

function inference(model, { spec }) {
  return (rows) => {
    const x = tf.randomNormal([rows, ...spec.input_shape]);
    const call = () => tf.tidy(() => model.predict(x).dataSync());
    call();
    const startedAt = performance.now();
    let calls = 0;
    for (; performance.now() - startedAt < ROUND_MS; calls++) call();
    const seconds = (performance.now() - startedAt) / 1000 / calls;
    x.dispose();
    return seconds;
  };
}
