import type { RunRequest } from './backend.ts';

/** Statuses of a step, as in `native/kernel.h`. */
const STEP_OK = 0;
const STEP_ROW_OUT_OF_RANGE = 2;
const STEP_NO_SUCH_FEED = 3;

/** Rows at least this long are copied by one call; shorter ones by a loop, which then costs less. */
const LONG_ROW = 48;

/**
 * The `gather` of the WebAssembly module. A module sees only its own memory: copying whole feeds into it would hold every dataset twice,
 * so the rows of a batch are copied into the arena when a step asks for them.
 */
export interface RowCopier {
  /** The memory copied into. */
  attach(memory: ArrayBuffer): void;
  /** The feeds of a run. */
  use(feeds: RunRequest['feeds']): void;
  /** The batch of the next step: `rows` row numbers from `order[start]` on. */
  batch(order: Int32Array, start: number, rows: number): void;
  /** out (m, n) = the first m rows of the batch from a feed (any, n), int32 made real if `asReal`. Gives the status of the step. */
  readonly copy: (feed: number, out: number, m: number, n: number, asReal: number) => number;
}

/* A function per type of target: V8 then knows both arrays and copies without a look at each element. */

function copyBits(source: Int32Array, from: number, length: number, target: Int32Array, to: number): void {
  if (length >= LONG_ROW) target.set(source.subarray(from, from + length), to);
  else for (let i = 0; i < length; i += 1) target[to + i] = source[from + i]!;
}

function copyAsReals(source: Int32Array, from: number, length: number, target: Float32Array, to: number): void {
  for (let i = 0; i < length; i += 1) target[to + i] = source[from + i]!;
}

export function createRowCopier(): RowCopier {
  let words = new Int32Array(0);
  let reals = new Float32Array(0);
  let sources: readonly Int32Array[] = [];
  let order: Int32Array = words;
  let start = 0;
  let rows = 0;

  const copy = (feed: number, out: number, m: number, n: number, asReal: number): number => {
    const source = sources[Math.trunc(feed)];
    if (!source || m > rows) return STEP_NO_SUCH_FEED;
    // Bytes to elements; addresses from 2 GiB on arrive as negative numbers.
    let to = out >>> 2;
    for (let i = start; i < start + m; i += 1, to += n) {
      const row = order[i]!;
      const at = row * n;
      if (row < 0 || at + n > source.length) return STEP_ROW_OUT_OF_RANGE;
      if (asReal === 0) copyBits(source, at, n, words, to);
      else copyAsReals(source, at, n, reals, to);
    }
    return STEP_OK;
  };

  return {
    copy,
    attach(memory) {
      words = new Int32Array(memory);
      reals = new Float32Array(memory);
    },
    use(feeds) {
      // Bits are copied, whatever they mean.
      sources = feeds.map((feed) => (feed instanceof Int32Array ? feed : new Int32Array(feed.buffer, feed.byteOffset, feed.length)));
    },
    batch(newOrder, newStart, newRows) {
      order = newOrder;
      start = newStart;
      rows = newRows;
    },
  };
}
