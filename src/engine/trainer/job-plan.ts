import { LOSSES } from '../losses/index.ts';
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
  readonly training: TrainingOptions;
  /** Rows that are trained on: no batch is larger. */
  readonly rows: number;
  /** Weights per row where there is more than one: one per time step. */
  readonly weightsPerRow?: number;
  /** What the targets of the outputs after the first hold. */
  readonly furtherTargets?: readonly ('classes' | 'numbers')[];
}

/** The plan of a job. The trainer allocates its arena; the estimate only reads its size. */
export function planJob({ spec, task, training, rows, weightsPerRow = 1, furtherTargets = [] }: JobPlanRequest): TrainingPlan {
  const batchSize = Math.min(training.batch_size, rows);
  const sampleWeights = isWeighted(training) ? { sampleWeights: weightsPerRow > 1 ? [weightsPerRow] : [] } : {};
  const first = task === 'classification' ? 'classes' : 'numbers';
  return planTraining({
    spec,
    // Weights of the rows are those of the first output.
    outputs: outputNames(spec).map((name, i) => {
      const target = i === 0 ? first : (furtherTargets[i - 1] ?? 'numbers');
      return { ...outputRequest(training, name), target, ...(i === 0 && sampleWeights) };
    }),
    update: updateOf(training.optimizer),
    clips: {
      value: training.clip_value ?? null,
      norm: training.clip_norm ?? null,
      globalNorm: training.global_clip_norm ?? null,
    },
    batchSize,
    evaluationBatchSize: Math.min(Math.max(batchSize, EVALUATION_ROWS_MIN), rows),
    realBytes: 4,
  });
}

/** The names by which training options mean an output; a sequential network has one without. */
function outputNames({ outputs }: ModelSpec): readonly (string | null)[] {
  return outputs ?? [null];
}

function outputRequest(training: TrainingOptions, name: string | null) {
  const own = (name === null ? undefined : training.outputs?.[name]) ?? {};
  const { type: loss, ...lossOptions } = typed(own.loss ?? training.loss);
  return {
    loss: named(LOSSES, loss, 'loss'),
    lossOptions,
    weight: own.loss_weight ?? 1,
    metrics: (own.metrics ?? training.metrics)
      .map(typed)
      .map(({ type, ...options }) => ({ name: named(METRICS, type, 'metric'), options }))
      .filter(({ name: metric }, i, all) => all.findIndex((other) => other.name === metric) === i),
  };
}

/** Whether rows count differently. */
export function isWeighted({ class_weight, sample_weight_column }: TrainingOptions): boolean {
  return Boolean(class_weight) || typeof sample_weight_column === 'string';
}

/** The long form of what may be a name alone. */
function typed(posted: string | { readonly type: string }): { readonly type: string } {
  return typeof posted === 'string' ? { type: posted } : posted;
}

function updateOf(optimizer: TrainingOptions['optimizer']): UpdateCall & { slots: number } {
  const definition: OptimizerDefinition = OPTIMIZERS[named(OPTIMIZERS, optimizer.type, 'optimizer')];
  return { ...definition.update(optimizer), slots: definition.slots(optimizer) };
}

function named<T extends object>(table: T, name: string, kind: string): keyof T & string {
  for (const key in table) if (key === name) return key;
  throw new Error(`There is no ${kind} ${name}: the request was not checked`);
}
