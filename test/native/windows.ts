/** Sizes and scalars of kernels with a moving window, by their names in `src/engine/ops/window.ts` and `convolution-kernels.ts`. */
export type WindowCase = Readonly<Record<string, number>>;

interface Sizes {
  /** n, h, w, c */
  readonly input: readonly [number, number, number, number];
  readonly window: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly before?: readonly [number, number];
  readonly output: readonly [number, number];
  readonly filters: number;
  readonly groups?: number;
  /** Floats of room: what is enough for a faster method decides which one runs. */
  readonly room?: number;
}

function windowCase({
  input,
  window,
  strides = [1, 1],
  dilation = [1, 1],
  before = [0, 0],
  output,
  filters,
  groups = 1,
  room = 100_000,
}: Sizes) {
  const [n, h, w, c] = input;
  const [p, q] = output;
  const [r, s] = window;
  return {
    ...{ n, h, w, c, p, q, f: filters, r, s, d: c / groups, b: room },
    ...{ stride_h: strides[0], stride_w: strides[1], dilation_h: dilation[0], dilation_w: dilation[1] },
    ...{ before_h: before[0], before_w: before[1] },
  };
}

/** Edges of vectors, blocks, tiles and padding; one axis; strides, dilation, groups, depthwise, one cell; each method of convolution. */
export const WINDOWS: readonly WindowCase[] = [
  windowCase({ input: [0, 4, 4, 2], window: [3, 3], output: [2, 2], filters: 3 }),
  windowCase({ input: [1, 1, 1, 1], window: [1, 1], output: [1, 1], filters: 1 }),
  windowCase({ input: [3, 6, 5, 3], window: [3, 3], output: [4, 3], filters: 17, room: 7 * 27 }),
  windowCase({ input: [3, 6, 5, 3], window: [3, 3], output: [4, 3], filters: 17 }),
  windowCase({ input: [2, 8, 8, 1], window: [3, 3], before: [1, 1], output: [8, 8], filters: 32, room: 50 * 9 }),
  windowCase({ input: [9, 8, 8, 1], window: [3, 3], before: [1, 1], output: [8, 8], filters: 32 }),
  windowCase({ input: [2, 28, 28, 1], window: [3, 3], output: [26, 26], filters: 16 }),
  windowCase({ input: [1, 65, 64, 3], window: [5, 5], before: [2, 2], output: [65, 64], filters: 40 }),
  windowCase({ input: [2, 6, 6, 32], window: [3, 3], output: [4, 4], filters: 32, room: 15_000 }),
  windowCase({ input: [2, 6, 6, 32], window: [3, 3], output: [4, 4], filters: 32 }),
  windowCase({ input: [3, 13, 13, 16], window: [3, 3], output: [11, 11], filters: 32 }),
  windowCase({ input: [5, 9, 8, 18], window: [3, 3], before: [1, 1], output: [9, 8], filters: 37, room: 2_000_000 }),
  windowCase({ input: [2, 7, 6, 16], window: [3, 2], strides: [2, 3], before: [1, 0], output: [4, 2], filters: 5 }),
  windowCase({ input: [2, 7, 6, 16], window: [3, 2], strides: [2, 3], before: [1, 0], output: [4, 2], filters: 5, room: 300 }),
  windowCase({ input: [2, 9, 9, 4], window: [3, 3], dilation: [2, 3], before: [2, 3], output: [9, 9], filters: 6 }),
  windowCase({ input: [3, 1, 19, 5], window: [1, 4], strides: [1, 2], before: [0, 1], output: [1, 10], filters: 33 }),
  windowCase({ input: [2, 5, 5, 6], window: [3, 3], before: [1, 1], output: [5, 5], filters: 4, groups: 2 }),
  windowCase({ input: [2, 5, 4, 17], window: [3, 3], before: [1, 1], output: [5, 4], filters: 17, groups: 17 }),
  windowCase({ input: [2, 5, 4, 3], window: [2, 2], strides: [2, 2], output: [2, 2], filters: 60, groups: 3 }),
  windowCase({ input: [3, 4, 5, 19], window: [1, 1], output: [4, 5], filters: 70, room: 1 }),
  windowCase({ input: [2, 4, 4, 8], window: [1, 1], output: [4, 4], filters: 12, groups: 2 }),
  windowCase({ input: [2, 4, 4, 8], window: [1, 1], strides: [2, 2], output: [2, 2], filters: 9 }),
  windowCase({ input: [2, 3, 3, 70], window: [3, 3], output: [1, 1], filters: 10 }),
  windowCase({ input: [2, 6, 4, 19], window: [2, 2], strides: [2, 2], output: [3, 2], filters: 3 }),
  windowCase({ input: [1, 5, 5, 2], window: [2, 2], strides: [3, 3], output: [2, 2], filters: 3 }),
];
