import { describe, expect, test } from 'vitest';
import type { Counter, Key } from '../../src/engine/random.ts';
import { normal, permutation, philox, STREAMS, seedWords, truncatedNormal, uniformInteger, wordSource } from '../../src/engine/random.ts';

describe('philox', () => {
  // Known answers of the Random123 distribution of the paper's authors.
  test.each<{ name: string; key: Key; counter: Counter; words: number[] }>([
    { name: 'zeros', key: [0, 0], counter: [0, 0, 0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      name: 'ones',
      key: [0xffffffff, 0xffffffff],
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      name: 'digits of pi',
      key: [0xa4093822, 0x299f31d0],
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published words for $name', ({ key, counter, words }) => {
    expect(philox(key, counter)).toEqual(words);
  });

  test('is read element by element as word i mod 4 of block i / 4', () => {
    const seed = 2 ** 40 + 7;
    const nextWord = wordSource(seed, 9, 3);
    const drawn = Array.from({ length: 10 }, nextWord);
    const expected = [0, 1, 2].flatMap((block) => philox(seedWords(seed), [block, 3, 9, 0])).slice(0, 10);
    expect(drawn).toEqual(expected);
  });

  test('a seed uses all of its 53 bits and nothing else is a seed', () => {
    expect(seedWords(2 ** 53 - 1)).toEqual([0xffffffff, 0x1fffff]);
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => seedWords(seed)).toThrow(RangeError);
  });
});

describe('shuffling', () => {
  test('gives a permutation of all rows, repeats by seed and differs by epoch, seed and stream', () => {
    const order = permutation(7, STREAMS.shuffle, 0, 1000);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(permutation(7, STREAMS.shuffle, 0, 1000)).toEqual(order);
    expect(permutation(7, STREAMS.shuffle, 1, 1000)).not.toEqual(order);
    expect(permutation(8, STREAMS.shuffle, 0, 1000)).not.toEqual(order);
    expect(permutation(7, STREAMS.split, 0, 1000)).not.toEqual(order);
    expect(permutation(7, STREAMS.shuffle, 0, 0)).toHaveLength(0);
  });

  test('makes each of the six orders of three rows equally often', () => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 6000; epoch += 1) {
      const order = permutation(1, STREAMS.shuffle, epoch, 3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThanOrEqual(145);
  });

  test('draws a word again when it falls into the incomplete last interval', () => {
    const words = [0xffffffff, 0xfffffffe, 5];
    expect(uniformInteger(() => words.shift() ?? 0, 3)).toBe(0xfffffffe % 3);
    const rejected = [2 ** 32 - 1, 4];
    expect(uniformInteger(() => rejected.shift() ?? 0, 3)).toBe(1);
  });
});

describe('normal values', () => {
  test('have mean 0, variance 1 and, truncated, never leave two standard deviations', () => {
    const n = 50_000;
    const nextWord = wordSource(3, 5);
    const values = Array.from({ length: n }, () => normal(nextWord));
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    expect(Math.abs(mean)).toBeLessThanOrEqual(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThanOrEqual(5 * Math.sqrt(2 / n));
    const truncated = Array.from({ length: n }, () => truncatedNormal(nextWord));
    expect(Math.max(...truncated.map(Math.abs))).toBeLessThanOrEqual(2);
    expect(Math.max(...truncated)).toBeGreaterThan(1.96);
  });
});
