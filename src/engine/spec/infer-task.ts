import { LOSSES, type LossName } from '../losses/index.ts';
import type { OutputReport, Task } from './model-spec.ts';

/** What is known of a target column before the task is. */
export interface TargetColumn {
  /** Type in the dataset's schema: `number`, `integer`, `category`, `boolean`, `text`, … */
  readonly type: string;
  /** Number of different values. */
  readonly distinct?: number;
}

interface TaskQuestion {
  readonly output: Pick<OutputReport, 'shape' | 'activation'> | null;
  /** The loss as posted; anything that is no loss counts as `auto`. */
  readonly loss?: unknown;
  readonly columns: readonly TargetColumn[];
}

/**
 * The meaning of `task: auto`. A column that holds no numbers is a class; several columns are numbers. In between the last layer
 * and the loss decide: softmax means classes even on integers, one linear unit means regression.
 */
export function inferTask({ output, loss, columns }: TaskQuestion): Task {
  const [column] = columns;
  if (!column || columns.length > 1) return 'regression';
  if (column.type !== 'number' && column.type !== 'integer') return 'classification';
  if (isLossName(loss)) return LOSSES[loss].classTarget === 'int32' ? 'classification' : taskOfNumbers(output, column, loss);
  return taskOfNumbers(output, column, undefined);
}

function taskOfNumbers(output: Pick<OutputReport, 'shape' | 'activation'> | null, column: TargetColumn, loss: LossName | undefined): Task {
  switch (output?.activation) {
    case 'softmax':
    case 'log_softmax':
    case 'step':
      return 'classification';
    case 'sigmoid':
      // A probability, unless the column holds more than yes and no and the loss does not ask for two classes.
      return loss === 'binary_cross_entropy' || (column.distinct ?? 2) <= 2 || column.type === 'integer' ? 'classification' : 'regression';
    default:
      return loss === 'binary_cross_entropy' ? 'classification' : 'regression';
  }
}

function isLossName(loss: unknown): loss is LossName {
  return typeof loss === 'string' && Object.hasOwn(LOSSES, loss);
}
