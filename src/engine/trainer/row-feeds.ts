import type { InputFeed } from '../plan/input-feeds.ts';
import { dealFeatures, type Feed, type PlacedRows } from './feeds.ts';
import { weightsFeed, weightsPerRow } from './sample-weights.ts';
import type { EncodedRows, StoredData, TrainingData, TrainRequest } from './training.ts';

/** The rows of a job as the feeds of its programs, wherever they are kept. */
export interface RowFeeds {
  /** Rows that are placed at once at best: without bound when all are held. */
  readonly rowsAtOnce: number;
  /** Places rows. Of rows that are read, the next call overwrites what this one gave. */
  place(rows: Int32Array): PlacedRows;
}

/** What the plan of a job needs to know of its rows, seen in some of them. */
export function seenRows({ training, data, split }: Pick<TrainRequest, 'training' | 'data' | 'split'>) {
  const [seen, rows] = isStored(data) ? [data.read(split.train.subarray(0, 1)), 1] : [data, data.rows];
  const kindOf = (target: Feed) => (target instanceof Int32Array ? ('classes' as const) : ('numbers' as const));
  return {
    target: kindOf(seen.targets),
    furtherTargets: (seen.furtherTargets ?? []).map(kindOf),
    weightsPerRow: weightsPerRow(training, { ...seen, rows }),
  };
}

/** Feeds over data that is held, or read part by part. Both give the programs the same numbers in the same order. */
export function rowFeeds({ training, data }: Pick<TrainRequest, 'training' | 'data'>, inputs: readonly InputFeed[]): RowFeeds {
  const feedsOf = (encoded: EncodedRows, rows: number): Feed[] => {
    const weights = weightsFeed(training, { ...encoded, rows, ...(data.labels && { labels: data.labels }) });
    return [
      ...dealFeatures(encoded.inputs ?? encoded.features, rows, inputs),
      encoded.targets,
      ...(encoded.furtherTargets ?? []),
      ...(weights ? [weights] : []),
    ];
  };
  if (isStored(data)) {
    const place = (rows: Int32Array): PlacedRows => {
      return { feeds: feedsOf(data.read(rows), rows.length), order: Int32Array.from(rows, (_, position) => position) };
    };
    return { rowsAtOnce: data.rowsPerRead, place };
  }
  const feeds = feedsOf(data, data.rows);
  return { rowsAtOnce: Number.POSITIVE_INFINITY, place: (order) => ({ feeds, order }) };
}

function isStored(data: TrainingData): data is StoredData {
  return 'read' in data;
}
