/*
 * Windows that move over one or two spatial axes, channels last: what convolution and pooling have in common. One axis
 * [time, channels] is treated as a plane of height 1.
 */

import type { Shape } from '../shape.ts';
import type { CallSize } from './op.ts';
import { fixed, perRow } from './op.ts';
import type { Pair, WindowAttributes } from './window-attributes.ts';

export type Padding = 'valid' | 'same';

/** Cells a dilated window spans. */
export function spanOf(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/** Positions and zeros before, along one axis. `same` puts the odd zero after. Less than one position: the window does not fit. */
export function slide({ input, size, stride, dilation, padding }: Slide): { output: number; before: number } {
  const span = spanOf(size, dilation);
  if (padding === 'valid') return { output: Math.floor((input - span) / stride) + 1, before: 0 };
  const output = Math.ceil(input / stride);
  return { output, before: Math.floor(Math.max((output - 1) * stride + span - input, 0) / 2) };
}

export interface Slide {
  readonly input: number;
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
}

/** Height, width and channels of one row of the batch. */
export function planeOf(shape: Shape): { height: number; width: number; channels: number } {
  const [width = 1, height = 1] = shape.slice(0, -1).toReversed();
  return { height, width, channels: shape.at(-1) ?? 1 };
}

/** The shape a plane has when the input had `rank` axes. */
export function shapeOfPlane([height, width]: Pair, channels: number, rank: number): Shape {
  return rank === 2 ? [width, channels] : [height, width, channels];
}

/** Scalars every windowed kernel takes, in order. */
export const WINDOW_SCALARS = ['stride_h', 'stride_w', 'dilation_h', 'dilation_w', 'before_h', 'before_w'] as const;

export function windowScalars({ strides, dilation, before }: WindowAttributes): readonly number[] {
  return [...strides, ...dilation, ...before];
}

/** Dims every windowed kernel begins with: rows, height, width, channels, then height and width of the positions. */
export const WINDOW_DIMS = ['n', 'h', 'w', 'c', 'p', 'q'] as const;

export function windowDims(input: Shape, { output }: WindowAttributes): readonly CallSize[] {
  const { height, width, channels } = planeOf(input);
  return [perRow(1), fixed(height), fixed(width), fixed(channels), ...output.map(fixed)];
}

/** A position of the window and the cells of the input below it. */
interface Cell {
  /** Index of the position among all rows' positions. */
  readonly position: number;
  /** Index of the cell among all rows' cells. */
  readonly cell: number;
  /** Index of the tap in the window. */
  readonly tap: number;
}

/** Sizes as the reference loops of windowed kernels read them. */
export interface WindowSizes {
  readonly dims: readonly number[];
  readonly scalars: readonly number[];
  readonly size: Pair;
}

/** Calls `visit` for every cell inside the input, position by position and tap by tap. */
export function eachCell(sizes: WindowSizes, visit: (cell: Cell) => void): void {
  const [n, , , , p, q] = sizes.dims;
  for (let row = 0; row < n!; row += 1) {
    for (let y = 0; y < p!; y += 1) {
      for (let x = 0; x < q!; x += 1) {
        const position = (row * p! + y) * q! + x;
        cellsBelow(sizes, [row, y, x], (cell, tap) => visit({ position, cell, tap }));
      }
    }
  }
}

function cellsBelow({ dims, scalars, size }: WindowSizes, [row, y, x]: readonly [number, number, number], visit: TapVisitor): void {
  const [, h, w] = dims;
  const [strideH, strideW, dilationH, dilationW, beforeH, beforeW] = scalars;
  for (let tapY = 0; tapY < size[0]; tapY += 1) {
    const cellY = y * strideH! - beforeH! + tapY * dilationH!;
    if (cellY < 0 || cellY >= h!) continue;
    for (let tapX = 0; tapX < size[1]; tapX += 1) {
      const cellX = x * strideW! - beforeW! + tapX * dilationW!;
      if (cellX >= 0 && cellX < w!) visit((row * h! + cellY) * w! + cellX, tapY * size[1] + tapX);
    }
  }
}

type TapVisitor = (cell: number, tap: number) => void;
