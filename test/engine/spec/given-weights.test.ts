import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';
import { readGivenWeights } from '../../../src/engine/spec/given-weights.ts';

const LIMITS = { layersMax: 10, parametersMax: 1e6, arenaBytesMax: 1e9 };

function read(given: unknown, complete = true) {
  const posted = { input_shape: [3], layers: [{ type: 'dense', units: 2 }] };
  const { spec } = checkSpec({ spec: posted, limits: LIMITS });
  if (spec === null) throw new Error('the spec has faults');
  const { faults, tensors } = readGivenWeights({ spec, given, complete });
  return { faults: faults.map(({ pointer, code }) => [pointer, code]), tensors };
}

const KERNEL = [
  [1, 2],
  [3, 4],
  [5, 6],
];

describe('given weights', () => {
  it('become tensors in the order of their lists', () => {
    const { faults, tensors } = read({ 'dense/bias': [0, 0.5], 'dense/kernel': KERNEL });
    expect(faults).toEqual([]);
    expect(tensors.map(({ name, data }) => [name, [...data]])).toEqual([
      ['dense/kernel', [1, 2, 3, 4, 5, 6]],
      ['dense/bias', [0, 0.5]],
    ]);
  });

  it('may be some of them only where the others are drawn', () => {
    expect(read({ 'dense/kernel': KERNEL }).faults).toEqual([['/dense~1bias', 'missing_field']]);
    expect(read({ 'dense/kernel': KERNEL }, false)).toMatchObject({ faults: [], tensors: [{ name: 'dense/kernel' }] });
  });

  it.each([
    ['lists of different lengths with the right count', [[1, 2], [3], [4, 5, 6]]],
    ['lists that are too deep', KERNEL.map((row) => row.map((number) => [number]))],
    ['a list that is not deep enough', [1, 2, 3]],
    ['a number', 1],
    [
      'something that is no number',
      [
        [1, 2],
        [3, 4],
        [5, 'x'],
      ],
    ],
    [
      'a number that float32 does not hold',
      [
        [1, 2],
        [3, 4],
        [5, 1e39],
      ],
    ],
  ])('are refused: %s', (_, kernel) => {
    expect(read({ 'dense/kernel': kernel }, false)).toEqual({ faults: [['/dense~1kernel', 'weight_mismatch']], tensors: [] });
  });

  it('are refused under a name the network does not have, and when they are no object', () => {
    expect(read({ 'dens/kernel': KERNEL }, false).faults).toEqual([['/dens~1kernel', 'unknown_weight']]);
    expect(read([1], false).faults).toEqual([['', 'wrong_type']]);
  });
});
