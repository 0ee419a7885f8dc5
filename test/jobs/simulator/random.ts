/** Numbers that depend on the seed alone (mulberry32), so that a printed seed replays what it found. */
export interface Random {
  /** A whole number from 0 to `below`, exclusive. */
  below(below: number): number;
}

export function randomFrom(seed: number): Random {
  let word = seed >>> 0;
  return {
    below(below) {
      word = (word + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(word ^ (word >>> 15), word | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    },
  };
}

/** One of the values; all are alike. */
export function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[random.below(values.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}
