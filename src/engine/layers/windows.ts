/*
 * What layers with a moving window have in common: their options, the sizes that follow from them, and what is wrong when the
 * window does not fit.
 */

import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { Padding } from '../ops/window.ts';
import { planeOf, slide, spanOf } from '../ops/window.ts';
import type { Pair, WindowAttributes } from '../ops/window-attributes.ts';
import type { Shape } from '../shape.ts';
import { formatShape } from '../shape.ts';
import type { ReceptiveStep } from './layer.ts';

/** Spatial axes of a layer: `conv1d` has one, `conv2d` two. */
export type Axes = 1 | 2;

/** A size as a spec gives it: one number for all axes, or [height, width]. */
export type Size = number | number[];

/** The option of a size: a number in one dimension, a number or a pair in two. */
export function sizeOption(axes: Axes, options: { readonly description: string; readonly default?: number }) {
  return Type.Unsafe<Size>(axes === 1 ? Type.Integer({ minimum: 1, ...options }) : Type.Union([number(), pair()], options));
}

/** A size that is that of the pool unless it is given. */
export function poolStridesOption(axes: Axes) {
  const given = axes === 1 ? [number()] : [number(), pair()];
  const description = 'How far the window moves; null: its own size.';
  return Type.Unsafe<Size | null>(Type.Union([...given, Type.Null()], { default: null, description }));
}

export function paddingOption() {
  const description = 'valid: the window stays inside; same: zeros around the input, so that stride 1 keeps its size.';
  return Type.Unsafe<Padding>({ type: 'string', enum: ['valid', 'same'], default: 'valid', description });
}

function number() {
  return Type.Integer({ minimum: 1 });
}

function pair() {
  return Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 2 });
}

/** [height, width] of a size; one axis is a plane of height 1. */
export function pairOf(size: Size, axes: Axes): Pair {
  if (typeof size !== 'number') return [size[0]!, size[1]!];
  return axes === 1 ? [1, size] : [size, size];
}

export interface WindowRequest {
  readonly axes: Axes;
  readonly window: Size;
  readonly strides: Size;
  readonly dilation: Size;
  readonly padding: Padding;
}

/** Attributes of the op over an input it fits. */
export function windowAttributes(request: WindowRequest, input: Shape): WindowAttributes {
  const { axes, padding } = request;
  const { height, width } = planeOf(input);
  const [window, strides, dilation] = [request.window, request.strides, request.dilation].map((size) => pairOf(size, axes));
  const [down, across] = [height, width].map((cells, axis) =>
    slide({ input: cells, size: window![axis]!, stride: strides![axis]!, dilation: dilation![axis]!, padding }),
  );
  return {
    window: window!,
    strides: strides!,
    dilation: dilation!,
    before: [down!.before, across!.before],
    output: [down!.output, across!.output],
  };
}

/** What is wrong with an input for a window of these sizes, or null. `option` is the one that sets the size of the window. */
export function windowFault(request: WindowRequest, input: Shape, option: string): Fault | null {
  const rank = rankFault(request.axes, input);
  if (rank || request.padding === 'same') return rank;
  const { window, dilation } = windowAttributes(request, input);
  const { height, width } = planeOf(input);
  const spans = window.map((size, axis) => spanOf(size, dilation[axis]!));
  if (spans[0]! <= height && spans[1]! <= width) return null;
  const cells = [height, width].slice(2 - request.axes);
  const fitting = [height, width].map((available, axis) => Math.min(window[axis]!, Math.floor((available - 1) / dilation[axis]!) + 1));
  return {
    pointer: `/${option}`,
    code: 'shape_mismatch',
    detail: `A window over ${spans.slice(2 - request.axes).join(' x ')} positions does not fit the ${cells.join(' x ')} of the input.`,
    expected: { max: cells },
    received: request.window,
    suggestion: [{ op: 'replace', path: `/${option}`, value: request.axes === 1 ? fitting[1] : fitting }],
  };
}

/** What is wrong with the number of axes of an input, or null. */
export function rankFault(axes: Axes, input: Shape): Fault | null {
  if (input.length === axes + 1) return null;
  const expected = axes === 1 ? '[batch, time, channels]' : '[batch, height, width, channels]';
  return {
    pointer: '',
    code: 'shape_mismatch',
    detail: `The layer needs an input ${expected}, received ${formatShape(input)}.`,
    expected,
    received: input,
  };
}

/** What one output position sees, per spatial axis. */
export function receptiveStep(request: WindowRequest): ReceptiveStep {
  const [kernel, stride, dilation] = [request.window, request.strides, request.dilation].map((size) =>
    pairOf(size, request.axes).slice(2 - request.axes),
  );
  return { kernel: kernel!, stride: stride!, dilation: dilation! };
}
