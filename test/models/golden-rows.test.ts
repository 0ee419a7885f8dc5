import { describe, expect, it } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { type ColumnSchema, sliceTable, type Table } from '../../src/datasets/table.ts';
import { CONTROL, checkSpec, loadPredictor, type ModelSpec } from '../../src/engine/index.ts';
import { type GoldenRows, goldenFault, goldenInstances } from '../../src/models/golden-rows.ts';
import type { LoadedModel } from '../../src/models/predict-instances.ts';
import { encodeFeatures, encodeInstances, learnPreprocessing } from '../../src/preprocessing/index.ts';
import { runTraining, type TrainingTask } from '../../src/training/run-training.ts';
import { importBuiltin } from '../support/builtins.ts';

const IRIS_FEATURES = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'];
const TRAINING = {
  epochs: 20,
  batch_size: 16,
  loss: 'sparse_categorical_cross_entropy',
  optimizer: { type: 'adam', learning_rate: 0.02, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
  metrics: [],
  seed: 1,
  shuffle: true,
  early_stopping: null,
  checkpoint: { every_epochs: 1 },
  threads: 1,
  on_divergence: 'stop',
} as const;

function specOf(posted: ModelSpec): ModelSpec {
  const { spec } = checkSpec({ spec: posted, limits: { layersMax: 10, parametersMax: 1e6, arenaBytesMax: 1e9 } });
  if (spec === null) throw new Error('the spec has faults');
  return spec;
}

/** The model and its golden rows, as a worker makes them. */
async function trained(request: Pick<TrainingTask['request'], 'task' | 'target' | 'features' | 'spec'>, loss: string) {
  const iris = await importBuiltin('iris');
  const split = { train: 0.8, validation: 0.2, test: 0, strategy: 'random', seed: 0 } as const;
  const kind = { kind: 'training', initial_weights: null, diagnostics: false } as const;
  const task: TrainingTask = { request: { ...request, ...kind, split, training: { ...TRAINING, loss } }, ...iris, backend: 'auto' };
  const run = runTraining(task, { control: new Int32Array(CONTROL.words), now: () => 0 });
  for (;;) {
    const next = run.next();
    if (next.done !== true) continue;
    if ('rates' in next.value) throw new Error('only trainings were asked for');
    const { result, preprocessing, golden } = next.value;
    const model: LoadedModel = {
      preprocessing,
      predictor: loadPredictor({ spec: request.spec, weights: result.weights, backend: 'reference' }),
    };
    return { model, golden };
  }
}

const classes = () =>
  trained(
    {
      task: 'classification',
      target: 'species',
      features: IRIS_FEATURES,
      spec: specOf({ input_shape: [4], layers: [{ type: 'dense', units: 3, activation: 'softmax' }] }),
    },
    'sparse_categorical_cross_entropy',
  );

const numbers = () =>
  trained(
    {
      task: 'regression',
      target: ['petal_length', 'petal_width'],
      features: ['sepal_length', 'sepal_width'],
      spec: specOf({ input_shape: [2], layers: [{ type: 'dense', units: 2 }] }),
    },
    'mean_squared_error',
  );

/** The golden rows with their first prediction changed. */
function withFirst({ instances, predictions }: GoldenRows, change: (prediction: Record<string, unknown>) => object): GoldenRows {
  const [first, ...others] = structuredClone(predictions);
  return { instances, predictions: [{ ...first, ...change(first!) }, ...others] };
}

describe('golden rows', () => {
  it('are answered by another backend than the one that trained', async () => {
    for (const { model, golden } of [await classes(), await numbers()]) {
      expect(golden.instances).toHaveLength(3);
      expect(goldenFault(model, golden)).toBeNull();
      expect(goldenFault(model, JSON.parse(JSON.stringify(golden)))).toBeNull();
    }
  });

  it('may differ by rounding and no further', async () => {
    const { model, golden } = await classes();
    const shift = (by: number) =>
      withFirst(golden, ({ probabilities }) => {
        const values = Object.entries(Object(probabilities)).map(([name, value]) => [name, Number(value) + by]);
        return { probabilities: Object.fromEntries(values) };
      });
    expect(goldenFault(model, shift(5e-6))).toBeNull();
    expect(goldenFault(model, shift(5e-5))).toMatch(/golden row 1/);
    const regression = await numbers();
    const scale = (factor: number) =>
      withFirst(regression.golden, ({ values }) => ({ values: { ...Object(values), petal_width: Object(values).petal_width * factor } }));
    expect(goldenFault(regression.model, scale(1 + 2e-6))).toBeNull();
    expect(goldenFault(regression.model, scale(1.001))).toMatch(/golden row 1/);
  });

  it('must have the same labels and the same names', async () => {
    const { model, golden } = await classes();
    expect(
      goldenFault(
        model,
        withFirst(golden, () => ({ label: 'triffid' })),
      ),
    ).toMatch(/triffid/);
    expect(
      goldenFault(
        model,
        withFirst(golden, () => ({ probabilities: {} })),
      ),
    ).toMatch(/golden row 1/);
    expect(goldenFault(model, { ...golden, predictions: golden.predictions.slice(1) })).toMatch(/not complete/);
    expect(goldenFault(model, { ...golden, instances: [{ colour: 'red' }] })).toMatch(/does not take/);
    expect(goldenFault(model, null)).toMatch(/not readable/);
  });

  it('are encoded to the very bits that were trained on, whatever the columns hold', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      number: i % 5 === 0 ? null : Math.sin(i) / 3,
      whole: i * 1e9,
      colour: ['red', 'green'][i % 2],
      grade: i % 4,
      open: i % 3 === 0,
      at: new Date(Date.UTC(2024, 0, 1 + i, i, i, i, i)).toISOString(),
      target: i,
    }));
    const requested = [
      { name: 'number', missing: 'median' },
      { name: 'grade', type: 'category' },
      { name: 'at', type: 'datetime' },
    ] as const;
    const { table, schema } = await importRows(rows, { schema: requested, limits: { rowsMax: 100, columnsMax: 100 } });
    if (table === null) throw new Error('the rows have faults');
    const features = schema.map(({ name }) => name).filter((name) => name !== 'target');
    checkBits(table, schema, features);
  });
});

function checkBits(table: Table, schema: readonly ColumnSchema[], features: readonly string[]): void {
  const trainRows = Int32Array.from({ length: table.rows }, (_, row) => row);
  const preprocessing = learnPreprocessing({ table, schema, features, targets: ['target'], task: 'regression', trainRows });
  for (let row = 0; row < table.rows; row += 1) {
    const only = Int32Array.of(row);
    const instances = JSON.parse(JSON.stringify(goldenInstances({ table, schema, features, trainRows: only })));
    expect(instances).toHaveLength(1);
    expect(encodeInstances(preprocessing, instances)).toEqual({ features: encodeFeatures(preprocessing, sliceTable(table, row, row + 1)) });
  }
}
