import type { Backend, Session } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { LOSSES } from '../losses/index.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import type { OptimizerDefinition } from '../optimizers/optimizer.ts';
import { planTraining, type TrainingPlan } from '../plan/training-plan.ts';
import { withDefaults } from '../schema.ts';
import { checkSpec } from '../spec/check-spec.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import type { Feed } from '../trainer/feeds.ts';
import { loadPredictor } from '../trainer/predictor.ts';
import { totalLoss } from '../trainer/results.ts';
import { readWeights, writeWeights } from '../trainer/weights-memory.ts';
import { nameIn } from './name-in.ts';
import { clipsIn } from './optimizer-case.ts';
import { rateOf } from './schedule-case.ts';
import type { Comparison, Vector, VectorTensor, VectorTensors } from './vector.ts';
import { comparison } from './vector.ts';

const NO_LIMITS = { layersMax: Infinity, parametersMax: Infinity, arenaBytesMax: Infinity };

/** Trains as the case says: the loss of every step, the weights at the end and the predictions made with them. */
export function runTraining(vector: Vector, backend: Backend): Comparison[] {
  const { spec, inputs, params = {}, expect } = vector;
  const model = normalised(spec['model']);
  const rule = trainingRule(spec);
  const plan = planTraining({
    spec: model,
    outputs: [
      {
        loss: rule.loss,
        lossOptions: rule.lossOptions,
        metrics: [],
        target: inputs['y']!.dtype === 'int32' ? 'classes' : 'numbers',
        ...(inputs['sample_weight'] && { sampleWeights: inputs['sample_weight'].shape.slice(1) }),
      },
    ],
    update: rule.update,
    clips: rule.clips,
    batchSize: Number(spec['batch_size']),
    evaluationBatchSize: Number(spec['batch_size']),
    realBytes: 4,
  });
  const { arena, sessions } = backend.bind([plan.training]);
  const memory = { weights: plan.weights, layout: plan.layout, arena };
  writeWeights(
    memory,
    Object.entries(params).map(([name, { shape, data }]) => ({ name, shape, data: Float32Array.from(data) })),
  );
  const steps = trainByStep(plan, { arena, session: sessions[0]!, vector, learningRate: rule.learningRate });
  const losses = rule.perceptron ? errorsPerEpoch(steps, rowsOf(vector)) : steps;
  const weights = readWeights(memory);
  const predictor = loadPredictor({ spec: model, weights, backend: backend.name });
  const rows = expect.output?.shape[0] ?? 0;
  const output = rows === 0 ? new Float32Array(0) : predictor.predict(featuresOf(inputs, plan, rows), rows);
  return [
    { what: 'losses', received: losses, expected: expect.losses ?? [] },
    ...[...Object.entries(expect.params ?? {}), ...Object.entries(expect.state ?? {})].flatMap(([name, tensor]) => {
      const weight = weights.find((candidate) => candidate.name === name);
      return comparison(name, tensor, weight?.data ?? [], weight?.shape);
    }),
    ...comparison('output', expect.output, output),
    ...(expect.converged === undefined
      ? []
      : [{ what: 'converged', received: [Number(losses.at(-1) === 0)], expected: [Number(expect.converged)] }]),
  ];
}

function normalised(model: unknown): ModelSpec {
  const { spec, faults } = checkSpec({ spec: model, limits: NO_LIMITS });
  if (!spec) throw new Error(faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(' '));
  return spec;
}

/** Loss and optimizer, or Rosenblatt's rule, which is both. */
function trainingRule(spec: JsonObject) {
  const perceptron = spec['rule'] === 'perceptron';
  const posted = perceptron ? { type: 'perceptron', learning_rate: spec['learning_rate'] } : optionsIn(spec, 'optimizer');
  const { type: loss, ...lossOptions } = perceptron ? { type: 'perceptron' } : optionsIn(spec, 'loss');
  const optimizer: OptimizerDefinition = OPTIMIZERS[nameIn(OPTIMIZERS, posted['type'], 'optimizer')];
  const options = withDefaults(optimizer.options, posted) as JsonObject;
  return {
    perceptron,
    loss: nameIn(LOSSES, loss, 'loss'),
    lossOptions,
    update: { ...optimizer.update(options), slots: optimizer.slots(options) },
    clips: clipsIn(posted),
    learningRate: options['learning_rate'],
  };
}

function optionsIn(spec: JsonObject, field: string): JsonObject {
  const options = spec[field];
  if (!isObject(options)) throw new Error(`The case has no ${field}`);
  return options;
}

function trainByStep(
  plan: TrainingPlan,
  { arena, session, vector, learningRate }: { arena: ArrayBuffer; session: Session; vector: Vector; learningRate: unknown },
): number[] {
  const { spec, inputs } = vector;
  const rows = rowsOf(vector);
  const batchSize = Number(spec['batch_size']);
  const sums = new Uint8Array(arena, plan.accumulators.byteOffset, plan.accumulators.bytes);
  const shared = {
    feeds: [...featuresOf(inputs, plan, rows), feedOf(inputs['y']!), ...(inputs['sample_weight'] ? [feedOf(inputs['sample_weight'])] : [])],
    order: Int32Array.from({ length: rows }, (_, row) => row),
    seed: [0, 0] as const,
    control: new Int32Array(CONTROL.words),
  };
  const losses: number[] = [];
  for (let epoch = 0; epoch < Number(spec['epochs']); epoch += 1) {
    for (let from = 0; from < rows; from += batchSize) {
      sums.fill(0);
      const learningRates = Float64Array.of(rateOf(learningRate, losses.length));
      session.run({ ...shared, from, to: Math.min(from + batchSize, rows), firstStep: losses.length, learningRates });
      losses.push(totalLoss(plan, arena));
    }
  }
  return losses;
}

/** Samples of each epoch that were answered wrongly in passing, when every step has one row. */
function errorsPerEpoch(losses: readonly number[], rows: number): number[] {
  return Array.from(
    { length: losses.length / rows },
    (_, epoch) => losses.slice(epoch * rows, (epoch + 1) * rows).filter((loss) => loss > 0).length,
  );
}

function rowsOf({ inputs }: Vector): number {
  return inputs['y']!.shape[0]!;
}

/** The first rows of every input, in the order of the feeds. */
function featuresOf(inputs: VectorTensors, { inputs: feeds }: TrainingPlan, rows: number): Feed[] {
  return feeds.map(({ name, width }) => {
    const tensor = inputs[name];
    if (!tensor) throw new Error(`The case has no values for the input ${name}`);
    return feedOf(tensor).subarray(0, rows * width);
  });
}

function feedOf({ dtype, data }: VectorTensor): Feed {
  return dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
}
