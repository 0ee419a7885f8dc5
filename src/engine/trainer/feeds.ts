import type { InputFeed } from '../plan/input-feeds.ts';

/** Rows of one input or target. */
export type Feed = Float32Array | Int32Array;

/** Feeds that hold some rows, and where in them the rows are. */
export interface PlacedRows {
  readonly feeds: readonly Feed[];
  readonly order: Int32Array;
}

/** The inputs of a network side by side in each row, or one array per input. */
export type Features = Float32Array | readonly Feed[];

/** One feed per input, of its type. Features side by side are dealt out to the inputs in order; a single input takes them as they are. */
export function dealFeatures(features: Features, rows: number, inputs: readonly InputFeed[]): Feed[] {
  const separate = features instanceof Float32Array ? split(features, rows, inputs) : features;
  return inputs.map(({ name, width, type }, i) => {
    const feed = separate[i];
    if (feed?.length !== rows * width) {
      throw new Error(`${rows} rows of the input ${name} have ${rows * width} values, received ${feed?.length ?? 'none'}`);
    }
    return type === 'int32' && !(feed instanceof Int32Array) ? Int32Array.from(feed) : feed;
  });
}

function split(features: Float32Array, rows: number, inputs: readonly InputFeed[]): Feed[] {
  if (inputs.length === 1) return [features];
  const total = inputs.reduce((sum, { width }) => sum + width, 0);
  if (features.length !== rows * total) throw new Error(`${rows} rows have ${rows * total} features, received ${features.length}`);
  let from = 0;
  return inputs.map(({ width }) => {
    const feed = new Float32Array(rows * width);
    for (let row = 0; row < rows; row += 1) feed.set(features.subarray(row * total + from, row * total + from + width), row * width);
    from += width;
    return feed;
  });
}
