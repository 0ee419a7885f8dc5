import { describe, expect, test } from 'vitest';
import { INITIALIZERS, type InitializerName, initialize } from '../../../src/engine/initializers/index.ts';
import { STREAMS } from '../../../src/engine/random.ts';

/** Error function by Abramowitz and Stegun 7.1.26, good to 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}
const normalCdf = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;

interface Distribution {
  readonly std: number;
  /** Kurtosis, for the standard error of the sample deviation. */
  readonly kurtosis: number;
  readonly max?: number;
  readonly maxReached?: number;
  readonly cdf: (x: number) => number;
}

function uniformOf(limit: number): Distribution {
  return { std: limit / Math.sqrt(3), kurtosis: 1.8, max: limit, maxReached: 0.99, cdf: (x) => (x + limit) / (2 * limit) };
}

function truncatedOf(std: number): Distribution {
  const raw = std / 0.87962566103423978;
  const below = normalCdf(-2);
  return { std, kurtosis: 2.3655, max: 2 * raw, maxReached: 0.98, cdf: (x) => (normalCdf(x / raw) - below) / (1 - 2 * below) };
}

function distributionOf(name: InitializerName, fanIn: number, fanOut: number): Distribution | null {
  switch (name) {
    case 'glorot_uniform':
      return uniformOf(Math.sqrt(6 / (fanIn + fanOut)));
    case 'he_uniform':
      return uniformOf(Math.sqrt(6 / fanIn));
    case 'lecun_uniform':
      return uniformOf(Math.sqrt(3 / fanIn));
    case 'random_uniform':
      return uniformOf(0.05);
    case 'glorot_normal':
      return truncatedOf(Math.sqrt(2 / (fanIn + fanOut)));
    case 'he_normal':
      return truncatedOf(Math.sqrt(2 / fanIn));
    case 'lecun_normal':
      return truncatedOf(Math.sqrt(1 / fanIn));
    case 'random_normal':
      return { std: 0.05, kurtosis: 3, cdf: (x) => normalCdf(x / 0.05) };
    default:
      return null;
  }
}

const SHAPES = [
  { shape: [200, 250], fanIn: 200, fanOut: 250 },
  { shape: [3, 3, 64, 96], fanIn: 576, fanOut: 864 },
];
const random = Object.keys(INITIALIZERS).flatMap((name) =>
  SHAPES.flatMap(({ shape, fanIn, fanOut }) => {
    const distribution = distributionOf(name as InitializerName, fanIn, fanOut);
    return distribution ? [{ name: name as InitializerName, shape, distribution }] : [];
  }),
);

describe.each(random)('$name of $shape', ({ name, shape, distribution }) => {
  const values = initialize(name, shape, 11, STREAMS.init);
  const n = values.length;

  test('has the stated mean, deviation and bounds', () => {
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
    expect(Math.abs(mean)).toBeLessThanOrEqual((5 * distribution.std) / Math.sqrt(n));
    expect(Math.abs(std / distribution.std - 1)).toBeLessThanOrEqual(5 * Math.sqrt((distribution.kurtosis - 1) / (4 * n)));
    if (distribution.max === undefined) return;
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(distribution.max);
    expect(largest).toBeGreaterThanOrEqual(distribution.max * (distribution.maxReached ?? 1));
  });

  test('follows the stated distribution', () => {
    const sorted = values.toSorted();
    const distance = sorted.reduce((max, value, i) => {
      const expected = distribution.cdf(value);
      return Math.max(max, Math.abs(expected - i / n), Math.abs(expected - (i + 1) / n));
    }, 0);
    expect(distance).toBeLessThan(2.6 / Math.sqrt(n));
  });

  test('repeats by seed, and two weights of one model differ', () => {
    expect(initialize(name, shape, 11, STREAMS.init)).toEqual(values);
    expect(initialize(name, shape, 11, STREAMS.init + 1)).not.toEqual(values);
    expect(initialize(name, shape, 12, STREAMS.init)).not.toEqual(values);
  });
});

describe('orthogonal', () => {
  test.each([{ shape: [40, 25] }, { shape: [25, 40] }, { shape: [3, 3, 4, 8] }])(
    '$shape has orthonormal columns, or rows when wide',
    ({ shape }) => {
      const columns = shape.at(-1) ?? 1;
      const values = initialize('orthogonal', shape, 5, STREAMS.init);
      const rows = values.length / columns;
      const count = Math.min(rows, columns);
      const at = (i: number, k: number): number => (rows >= columns ? values[k * columns + i]! : values[i * columns + k]!);
      for (let i = 0; i < count; i += 1) {
        for (let j = 0; j <= i; j += 1) {
          let dot = 0;
          for (let k = 0; k < Math.max(rows, columns); k += 1) dot += at(i, k) * at(j, k);
          expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThanOrEqual(1e-5);
        }
      }
    },
  );

  test('is uniform over the orthogonal matrices: its first entry has mean 0 and mean square 1/6', () => {
    const firsts = Array.from({ length: 400 }, (_, seed) => initialize('orthogonal', [6, 6], seed, STREAMS.init)[0]!);
    const mean = firsts.reduce((sum, value) => sum + value, 0) / 400;
    const meanSquare = firsts.reduce((sum, value) => sum + value * value, 0) / 400;
    expect(Math.abs(mean)).toBeLessThanOrEqual(0.11);
    expect(Math.abs(meanSquare - 1 / 6)).toBeLessThanOrEqual(0.05);
  });
});

test('zeros and ones are constant', () => {
  expect(initialize('zeros', [3], 1, 1)).toEqual(Float32Array.of(0, 0, 0));
  expect(initialize('ones', [2, 1], 1, 1)).toEqual(Float32Array.of(1, 1));
});
