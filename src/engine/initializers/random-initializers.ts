import { normal, truncatedNormal, uniform } from '../random.ts';
import type { Shape } from '../shape.ts';
import type { InitializerDefinition } from './initializer.ts';
import { fansOf } from './initializer.ts';

/** The part of the variance of a normal distribution that lies within two standard deviations, as a standard deviation. */
const TRUNCATED_STD = 0.87962566103423978;

/** Which fans a variance is divided by: `variance = scale / fan`. */
type Fan = (shape: Shape) => number;

const GLOROT = 'https://proceedings.mlr.press/v9/glorot10a.html';
const HE = 'https://arxiv.org/abs/1502.01852';
const LECUN = 'https://doi.org/10.1007/3-540-49430-8_2';

const fanIn: Fan = (shape) => fansOf(shape).fanIn;
const fanSum: Fan = (shape) => fansOf(shape).fanIn + fansOf(shape).fanOut;

export const glorotUniform = uniformWithLimit(GLOROT, 'sqrt(6 / (fan_in + fan_out))', (shape) => Math.sqrt(6 / fanSum(shape)));
export const heUniform = uniformWithLimit(HE, 'sqrt(6 / fan_in)', (shape) => Math.sqrt(6 / fanIn(shape)));
export const lecunUniform = uniformWithLimit(LECUN, 'sqrt(3 / fan_in)', (shape) => Math.sqrt(3 / fanIn(shape)));
export const glorotNormal = truncatedWithStd(GLOROT, 'sqrt(2 / (fan_in + fan_out))', (shape) => Math.sqrt(2 / fanSum(shape)));
export const heNormal = truncatedWithStd(HE, 'sqrt(2 / fan_in)', (shape) => Math.sqrt(2 / fanIn(shape)));
export const lecunNormal = truncatedWithStd(LECUN, 'sqrt(1 / fan_in)', (shape) => Math.sqrt(1 / fanIn(shape)));

export const randomUniform: InitializerDefinition = {
  summary: 'Uniform from -0.05 to 0.05.',
  fill: (values, _shape, nextWord) => fillUniform(values, 0.05, nextWord),
};

export const randomNormal: InitializerDefinition = {
  summary: 'Normal with mean 0 and standard deviation 0.05.',
  fill(values, _shape, nextWord) {
    for (let i = 0; i < values.length; i += 1) values[i] = 0.05 * normal(nextWord);
  },
};

function uniformWithLimit(source: string, formula: string, limitOf: Fan): InitializerDefinition {
  return {
    summary: `Uniform from -L to L with L = ${formula}.`,
    source,
    fill: (values, shape, nextWord) => fillUniform(values, limitOf(shape), nextWord),
  };
}

function truncatedWithStd(source: string, formula: string, stdOf: Fan): InitializerDefinition {
  return {
    summary: `Normal with standard deviation ${formula}, drawn again beyond two standard deviations of the untruncated curve.`,
    source,
    fill(values, shape, nextWord) {
      const scale = stdOf(shape) / TRUNCATED_STD;
      for (let i = 0; i < values.length; i += 1) values[i] = scale * truncatedNormal(nextWord);
    },
  };
}

function fillUniform(values: Float32Array, limit: number, nextWord: () => number): void {
  for (let i = 0; i < values.length; i += 1) values[i] = limit * (2 * uniform(nextWord) - 1);
}
