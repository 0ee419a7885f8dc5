import { expect, test } from 'vitest';
import { inferTask, type TargetColumn } from '../../../src/engine/spec/infer-task.ts';

const integers: TargetColumn = { type: 'integer', distinct: 10 };
const reals: TargetColumn = { type: 'number', distinct: 90 };

test.each<{ name: string; activation: string; width: number; columns: TargetColumn[]; loss?: string; task: string }>([
  { name: 'a softmax on integers', activation: 'softmax', width: 10, columns: [integers], task: 'classification' },
  { name: 'one linear unit on integers', activation: 'linear', width: 1, columns: [integers], task: 'regression' },
  { name: 'one linear unit on numbers', activation: 'linear', width: 1, columns: [reals], task: 'regression' },
  { name: 'text, whatever the layer', activation: 'linear', width: 1, columns: [{ type: 'text' }], task: 'classification' },
  { name: 'categories', activation: 'relu', width: 3, columns: [{ type: 'category' }], task: 'classification' },
  { name: 'true and false', activation: 'linear', width: 1, columns: [{ type: 'boolean' }], task: 'classification' },
  {
    name: 'a sigmoid on zeros and ones',
    activation: 'sigmoid',
    width: 1,
    columns: [{ type: 'number', distinct: 2 }],
    task: 'classification',
  },
  { name: 'a sigmoid on many numbers', activation: 'sigmoid', width: 1, columns: [reals], task: 'regression' },
  {
    name: 'a linear unit whose loss is for classes',
    activation: 'linear',
    width: 1,
    columns: [integers],
    loss: 'binary_cross_entropy',
    task: 'classification',
  },
  {
    name: 'a loss for classes',
    activation: 'linear',
    width: 10,
    columns: [integers],
    loss: 'sparse_categorical_cross_entropy',
    task: 'classification',
  },
  { name: 'several columns', activation: 'linear', width: 2, columns: [reals, reals], task: 'regression' },
])('$name: $task', ({ activation, width, columns, loss, task }) => {
  expect(inferTask({ output: { shape: [width], activation }, columns, loss: loss ?? 'auto' })).toBe(task);
});
