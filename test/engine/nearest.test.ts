import { expect, test } from 'vitest';
import { nearest } from '../../src/engine/nearest.ts';

const words = [
  'dense',
  'dropout',
  'learning_rate',
  'mean_squared_error',
  'binary_cross_entropy',
  'glorot_uniform',
  'activation',
  'val_accuracy',
];

test.each([
  ['dens', 'dense'],
  ['desne', 'dense'],
  ['Dense', 'dense'],
  ['drop', 'dropout'],
  ['lr', 'learning_rate'],
  ['learning-rate', 'learning_rate'],
  ['mse', 'mean_squared_error'],
  ['binary_crossentropy', 'binary_cross_entropy'],
  ['GlorotUniform', 'glorot_uniform'],
  ['activ', 'activation'],
  ['val_acc', 'val_accuracy'],
])('%s means %s', (word, meant) => {
  expect(nearest(word, words)).toBe(meant);
});

test.each(['convolution', 'x', '', '__proto__', 'constructor'])('nothing is suggested for %j', (word) => {
  expect(nearest(word, words)).toBeUndefined();
});
