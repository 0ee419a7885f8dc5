import type { ColumnSchema, Table } from '../datasets/table.ts';
import type { HeldData, StoredData } from '../engine/index.ts';
import {
  featureWidth,
  learnWindows,
  sharedWindows,
  targetMean,
  targetStd,
  type WindowOptions,
  windowCount,
} from '../preprocessing/index.ts';
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
export function holdWindows(asked: WindowsToPrepare): PreparedTraining<HeldData> {
  const { learned, data, ...prepared } = learn(asked);
  const all = Int32Array.from({ length: data.rows }, (_, window) => window);
  return { ...prepared, data: { ...data, ...learned.encode(all) } };
}

/** The same, with windows that are cut when the trainer needs them: of overlapping windows every row is held once. */
export function cutWindows(asked: WindowsToPrepare, bytesAtOnce: number): PreparedTraining<StoredData> {
  const { learned, data, ...prepared } = learn(asked);
  const windowBytes = (data.featureWidth + data.targetWidth) * Float32Array.BYTES_PER_ELEMENT;
  return { ...prepared, data: { ...data, rowsPerRead: Math.max(1, Math.floor(bytesAtOnce / windowBytes)), read: learned.encode } };
}

function learn({ request, window, table, schema }: WindowsToPrepare) {
  const targets = targetColumns(request.target);
  const rows = windowCount(table.rows, window);
  const split = splitRows(rows, request.split, { shared: sharedWindows(window) });
  const learned = learnWindows({ table, schema, features: request.features, targets, window, trainWindows: split.train });
  const { preprocessing, lastValueError, levels, rowsOf } = learned;
  const [std, mean] = [targetStd(preprocessing), targetMean(preprocessing)];
  const parts = (['train', 'validation', 'test'] as const).filter((part) => split[part].length > 0);
  return {
    learned,
    data: {
      rows,
      featureWidth: featureWidth(preprocessing),
      targetWidth: window.horizon * targets.length,
      ...(std !== undefined && { targetStd: std }),
      ...(mean !== undefined && { targetMean: mean }),
      ...(window.relative !== 'none' && { targetLevels: levels }),
    },
    split,
    preprocessing,
    windows: {
      rowsOf,
      baselines: Object.fromEntries(parts.map((part) => [`${PREFIXES[part]}last_value_rmse`, lastValueError(split[part])])),
    },
  };
}

const PREFIXES = { train: '', validation: 'val_', test: 'test_' } as const;
