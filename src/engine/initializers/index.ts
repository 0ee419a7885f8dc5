import Type from 'typebox';
import { wordSource } from '../random.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import type { InitializerDefinition } from './initializer.ts';
import { orthogonal } from './orthogonal.ts';
import {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  randomNormal,
  randomUniform,
} from './random-initializers.ts';

/** Every initializer by the name specs use. */
export const INITIALIZERS = {
  glorot_uniform: glorotUniform,
  glorot_normal: glorotNormal,
  he_uniform: heUniform,
  he_normal: heNormal,
  lecun_uniform: lecunUniform,
  lecun_normal: lecunNormal,
  random_uniform: randomUniform,
  random_normal: randomNormal,
  orthogonal,
  zeros: { summary: 'All zero.', fill: (values) => values.fill(0) },
  ones: { summary: 'All one.', fill: (values) => values.fill(1) },
} as const satisfies Record<string, InitializerDefinition>;

export type InitializerName = keyof typeof INITIALIZERS;

/**
 * First values of a weight: a function of the seed and the weight's stream (`STREAMS.init` + its index in spec order). They are put
 * where the weight is to be, if that is given.
 */
export function initialize(
  name: InitializerName,
  shape: Shape,
  seed: number,
  stream: number,
  values: Float32Array = new Float32Array(sizeOf(shape)),
): Float32Array {
  INITIALIZERS[name].fill(values, shape, wordSource(seed, stream));
  return values;
}

/** The option by which a layer names the initializer of one of its weights. */
export function initializerOption(defaultName: InitializerName, description: string) {
  return Type.Unsafe<InitializerName>({ type: 'string', enum: Object.keys(INITIALIZERS), default: defaultName, description });
}
