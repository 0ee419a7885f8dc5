import Type, { type Static } from 'typebox';
import type { Fault } from '../faults.ts';
import type { Shape } from '../shape.ts';
import { formatShape } from '../shape.ts';

const SIZE_MAX = 2 ** 16;
const size = (minimum: number) => Type.Integer({ minimum, maximum: SIZE_MAX });

/** Margins of an image: one number, one per axis, or before and after for each axis. */
export function marginsOption(defaultSize: number, description: string) {
  const pair = Type.Array(size(0), { minItems: 2, maxItems: 2 });
  return Type.Union([size(0), pair, Type.Array(pair, { minItems: 2, maxItems: 2 })], { default: defaultSize, description });
}

type Margins = Static<ReturnType<typeof marginsOption>>;

/** A whole factor per axis of an image. */
export function factorsOption(defaultSize: number, description: string) {
  return Type.Union([size(1), Type.Array(size(1), { minItems: 2, maxItems: 2 })], { default: defaultSize, description });
}

/** `[[top, bottom], [left, right]]`. */
export function marginsOf(margins: Margins): readonly (readonly [number, number])[] {
  const axes = typeof margins === 'number' ? [margins, margins] : margins;
  return axes.map((margin) => (typeof margin === 'number' ? [margin, margin] : [margin[0]!, margin[1]!]));
}

export function factorsOf(factors: number | readonly number[]): readonly number[] {
  return typeof factors === 'number' ? [factors, factors] : factors;
}

/** What is wrong with an input that must be an image. */
export function imageFault(type: string, input: Shape): Fault | null {
  if (input.length === 3) return null;
  return {
    pointer: '',
    code: 'shape_mismatch',
    detail: `A ${type} layer needs images, channels last, received ${formatShape(input)}.`,
    expected: '[batch, height, width, channels]',
    received: formatShape(input),
  };
}
