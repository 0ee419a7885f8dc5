import type { ColumnSchema, Table } from '../datasets/table.ts';
import { featureWidth, learnWindows, targetMean, targetStd, type WindowOptions, windowCount } from '../preprocessing/index.ts';
import type { PreparedTraining } from './prepared-training.ts';
import { splitRows } from './split.ts';
import { type TrainingRequest, targetColumns } from './training-request.ts';

export interface WindowsToPrepare {
  readonly request: Pick<TrainingRequest, 'target' | 'features' | 'split'>;
  readonly window: WindowOptions;
  readonly table: Table;
  readonly schema: readonly ColumnSchema[];
}

/** Orders the rows of a forecast, cuts them into windows, and splits and encodes those as other jobs do their rows. */
export function prepareWindows({ request, window, table, schema }: WindowsToPrepare): PreparedTraining {
  const targets = targetColumns(request.target);
  const rows = windowCount(table.rows, window);
  const split = splitRows(rows, request.split);
  const learned = learnWindows({ table, schema, features: request.features, targets, window, trainWindows: split.train }, rows);
  const { preprocessing, lastValueError, rowsOf } = learned;
  const [std, mean] = [targetStd(preprocessing), targetMean(preprocessing)];
  return {
    data: {
      rows,
      featureWidth: featureWidth(preprocessing),
      features: learned.features,
      targetWidth: window.horizon * targets.length,
      targets: learned.targets,
      ...(std !== undefined && { targetStd: std }),
      ...(mean !== undefined && { targetMean: mean }),
    },
    split,
    preprocessing,
    windows: {
      rowsOf,
      baselines: Object.fromEntries(
        (['train', 'validation', 'test'] as const)
          .filter((part) => split[part].length > 0)
          .map((part) => [`${PREFIXES[part]}last_value_rmse`, lastValueError(split[part])]),
      ),
    },
  };
}

const PREFIXES = { train: '', validation: 'val_', test: 'test_' } as const;
