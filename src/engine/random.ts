/*
 * Random numbers by counter: Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). A value is a function of (seed, stream, step, position), so there is no generator state to save, and a resumed
 * job draws what the uninterrupted one would have drawn. `backends/README.md` fixes how the native code reads the same words.
 */

/** Two unsigned 32-bit words, low first. */
export type Key = readonly [number, number];
/** `[block, step, stream, 0]` in our use of it. */
export type Counter = readonly [number, number, number, number];

/**
 * What randomness is used for: the third word of the counter. Weights and dropout layers have one stream each,
 * counted from their base in spec order (`init + index of the weight`, `dropout + index of the layer`).
 */
export const STREAMS = {
  shuffle: 1,
  split: 2,
  init: 0x1000_0000,
  dropout: 0x2000_0000,
  noise: 0x3000_0000,
} as const;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The key of a seed, which is an integer from 0 to 2^53 - 1. */
export function seedWords(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`A seed is an integer from 0 to 2^53 - 1, received ${seed}`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** The four words of one counter. */
export function philox(key: Key, counter: Counter): [number, number, number, number] {
  const words = Uint32Array.from(counter);
  scramble(key, words);
  return [words[0]!, words[1]!, words[2]!, words[3]!];
}

/** Draws the words of one (seed, stream, step) in order, from element 0. */
export function wordSource(seed: number, stream: number, step = 0): () => number {
  const key = seedWords(seed);
  const words = new Uint32Array(4);
  let drawn = 0;
  return () => {
    const position = drawn % 4;
    if (position === 0) {
      words[0] = drawn / 4;
      words[1] = step;
      words[2] = stream;
      words[3] = 0;
      scramble(key, words);
    }
    drawn += 1;
    return words[position]!;
  };
}

/** A uniform value in [0, 1) with 32 random bits. */
export function uniform(nextWord: () => number): number {
  return nextWord() * 2 ** -32;
}

/** An integer from 0 to `bound - 1`, each equally likely: words of the incomplete last interval are drawn again. */
export function uniformInteger(nextWord: () => number, bound: number): number {
  const accepted = 2 ** 32 - (2 ** 32 % bound);
  let word = nextWord();
  while (word >= accepted) word = nextWord();
  return word % bound;
}

/**
 * A standard normal value by Marsaglia's polar method (Marsaglia and Bray 1964). It needs only `log` and `sqrt`; V8 brings its
 * own `log`, so the values do not depend on the machine's C library.
 */
export function normal(nextWord: () => number): number {
  for (;;) {
    const x = (nextWord() + 0.5) * 2 ** -31 - 1;
    const y = (nextWord() + 0.5) * 2 ** -31 - 1;
    const square = x * x + y * y;
    if (square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

/** A standard normal value, drawn again while it lies beyond two standard deviations. */
export function truncatedNormal(nextWord: () => number): number {
  for (;;) {
    const value = normal(nextWord);
    if (Math.abs(value) <= 2) return value;
  }
}

/** A permutation of 0 … n-1 by Fisher and Yates, every order equally likely. `step` is the epoch when rows are shuffled. */
export function permutation(seed: number, stream: number, step: number, n: number): Int32Array {
  const order = new Int32Array(n);
  // `Int32Array.from({ length })` looks every element up: as slow as the whole shuffle.
  for (let i = 0; i < n; i += 1) order[i] = i;
  const nextWord = wordSource(seed, stream, step);
  for (let i = n - 1; i > 0; i -= 1) {
    const j = uniformInteger(nextWord, i + 1);
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}

/** Ten rounds in place: `words` holds the counter and then the result. */
function scramble(key: Key, words: Uint32Array): void {
  let x0 = words[0]!;
  let x1 = words[1]!;
  let x2 = words[2]!;
  let x3 = words[3]!;
  let [key0, key1] = key;
  for (let round = 0; round < ROUNDS; round += 1) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low0 = Math.imul(MULTIPLIER_0, x0);
    const low1 = Math.imul(MULTIPLIER_1, x2);
    x0 = (high1 ^ x1 ^ key0) >>> 0;
    x1 = low1 >>> 0;
    x2 = (high0 ^ x3 ^ key1) >>> 0;
    x3 = low0 >>> 0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  words[0] = x0;
  words[1] = x1;
  words[2] = x2;
  words[3] = x3;
}

/** Upper 32 bits of the 64-bit product of two unsigned words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middleLow = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 2 ** 16) + Math.floor(middleLow / 2 ** 16)) >>> 0;
}
