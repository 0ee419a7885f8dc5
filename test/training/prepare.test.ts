import { describe, expect, test } from 'vitest';
import { prepareTraining } from '../../src/training/prepare.ts';
import { importBuiltin } from '../support/builtins.ts';

const split = { train: 0.6, validation: 0.2, test: 0.2, strategy: 'stratified', seed: 3 } as const;
const plain = { kind: 'training', training: { loss: 'auto' } } as const;
const features = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'];

describe('preparing a dataset for the trainer', () => {
  test('iris becomes standardised features, class indices and parts with every species in proportion', async () => {
    const { table, schema } = await importBuiltin('iris');
    const prepared = prepareTraining({ request: { ...plain, target: 'species', features, task: 'classification', split }, table, schema });
    const { data } = prepared;
    expect([data.rows, data.featureWidth, data.targetWidth]).toEqual([150, 4, 1]);
    expect(data.targets).toBeInstanceOf(Int32Array);
    expect(data.targetStd).toBeUndefined();
    for (const part of Object.values(prepared.split)) {
      const counts = [0, 1, 2].map((label) => part.reduce((sum: number, row: number) => sum + Number(data.targets[row] === label), 0));
      expect(counts).toEqual(Array.from({ length: 3 }, () => part.length / 3));
    }
    expect(prepared.preprocessing.target).toMatchObject({ labels: ['setosa', 'versicolor', 'virginica'] });
  });

  test('what is learned comes from the training rows alone', async () => {
    const { table, schema } = await importBuiltin('iris');
    const {
      data,
      split: parts,
      preprocessing,
    } = prepareTraining({
      request: { ...plain, target: 'species', features, task: 'classification', split },
      table,
      schema,
    });
    const column = table.columns.find(({ name }) => name === 'petal_length');
    if (!column || !('values' in column)) throw new Error('petal_length holds numbers');
    const mean = parts.train.reduce((sum, row) => sum + column.values[row]!, 0) / parts.train.length;
    expect(preprocessing.features[2]?.mean).toBeCloseTo(mean, 12);
    const encodedMean = parts.train.reduce((sum, row) => sum + data.features[row * 4 + 2]!, 0) / parts.train.length;
    expect(encodedMean).toBeCloseTo(0, 6);
  });

  test('numeric targets are standardised and say by how much', async () => {
    const { table, schema } = await importBuiltin('iris');
    const request = {
      ...plain,
      target: ['petal_length', 'petal_width'],
      features: ['sepal_length', 'species'],
      task: 'regression',
      split: { ...split, strategy: 'random' },
    } as const;
    const { data } = prepareTraining({ request, table, schema });
    expect([data.featureWidth, data.targetWidth, data.targets.length]).toEqual([4, 2, 300]);
    expect(data.targetStd).toHaveLength(2);
  });

  test('the same request gives the same bytes', async () => {
    const { table, schema } = await importBuiltin('digits');
    const names = schema.map(({ name }) => name).filter((name) => name !== 'digit');
    const request = { ...plain, target: 'digit', features: names, task: 'classification', split } as const;
    expect(prepareTraining({ request, table, schema })).toEqual(prepareTraining({ request, table, schema }));
  });
});
