import { LOSSES } from '../losses/index.ts';
import type { MetricName } from '../metrics/index.ts';
import { METRICS } from '../metrics/index.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import type { OptimizerDefinition, UpdateCall } from '../optimizers/optimizer.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { planTraining } from '../plan/training-plan.ts';
import type { ModelSpec, Task } from '../spec/model-spec.ts';
import type { TrainingOptions } from './training.ts';

/** Evaluation takes at least this many rows at once: small training batches are for the optimizer's sake only. */
const EVALUATION_ROWS_MIN = 64;

export interface JobPlanRequest {
  readonly spec: ModelSpec;
  readonly task: Task;
  readonly training: Pick<TrainingOptions, 'batch_size' | 'loss' | 'optimizer' | 'metrics'>;
  /** Rows that are trained on: no batch is larger. */
  readonly rows: number;
}

/** The plan of a job. The trainer allocates its arena; the estimate only reads its size. */
export function planJob({ spec, task, training, rows }: JobPlanRequest): TrainingPlan {
  const batchSize = Math.min(training.batch_size, rows);
  return planTraining({
    spec,
    outputs: [
      {
        loss: named(LOSSES, training.loss, 'loss'),
        metrics: training.metrics
          .map((metric): MetricName => named(METRICS, metric, 'metric'))
          .filter((metric, i, all) => all.indexOf(metric) === i),
        target: task === 'classification' ? 'classes' : 'numbers',
      },
    ],
    update: updateOf(training.optimizer),
    batchSize,
    evaluationBatchSize: Math.min(Math.max(batchSize, EVALUATION_ROWS_MIN), rows),
    realBytes: 4,
  });
}

function updateOf(optimizer: TrainingOptions['optimizer']): UpdateCall & { slots: number } {
  const definition: OptimizerDefinition = OPTIMIZERS[named(OPTIMIZERS, optimizer.type, 'optimizer')];
  return { ...definition.update(optimizer), slots: definition.slots(optimizer) };
}

function named<T extends object>(table: T, name: string, kind: string): keyof T & string {
  for (const key in table) if (key === name) return key;
  throw new Error(`There is no ${kind} ${name}: the request was not checked`);
}
