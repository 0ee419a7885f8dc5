import type { Split, TrainingData } from '../engine/index.ts';
import type { Preprocessing } from '../preprocessing/index.ts';

/** Everything the trainer needs of a dataset, and what travels with the weights. */
export interface PreparedTraining<Data extends TrainingData = TrainingData> {
  readonly data: Data;
  readonly split: Split;
  readonly preprocessing: Preprocessing;
  /** For a forecast, whose split is one of windows. */
  readonly windows?: PreparedWindows;
}

export interface PreparedWindows {
  /** Rows of the table that a window sees, oldest first. */
  readonly rowsOf: (window: number) => Int32Array;
  /** `last_value_rmse` of each part: how far off saying that nothing changes would be, in the columns' units. */
  readonly baselines: Readonly<Record<string, number>>;
}
