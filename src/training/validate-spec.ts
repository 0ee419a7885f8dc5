import { type Estimate, estimateTraining, type Fault, type LayerReport } from '../engine/index.ts';
import type { RequestFault } from '../errors.ts';
import type { WindowOptions } from '../preprocessing/index.ts';
import { arenaFaults, checkNetwork, type NetworkCheck, type TrainingLimits } from './check-network.ts';
import type { CheckedDataset } from './check-training-request.ts';
import { splitSizes } from './split.ts';
import { DEFAULT_VALIDATION, engineTask, targetColumns } from './training-request.ts';
import { instanceCount, windowFaults } from './window-request.ts';

/** What `POST /v1/models/validate` answers. */
export interface SpecValidation {
  readonly valid: boolean;
  readonly errors: readonly RequestFault[];
  readonly warnings: readonly Fault[];
  readonly layers: readonly LayerReport[];
  readonly total_params: number;
  /** Bytes training allocates; null when faults leave no network to measure. */
  readonly memory_bytes: number | null;
  /** How long the training takes; null without a training and a dataset. */
  readonly estimate: { readonly seconds_p50: number; readonly seconds_p90: number } | null;
}

export interface SpecValidationQuestion {
  readonly spec: unknown;
  readonly dataset: CheckedDataset | null;
  readonly target: string | readonly string[] | undefined;
  /** Given for a forecast. */
  readonly window?: WindowOptions | null;
  readonly training: unknown;
  readonly limits: TrainingLimits;
}

/** Checks a spec alone, or against a dataset and a training, as posting the job would. */
export function validateSpec({ spec, dataset, target, window = null, training, limits }: SpecValidationQuestion): SpecValidation {
  const columns =
    dataset === null || target === undefined ? null : { schema: dataset.schema, targets: targetColumns(target), features: undefined };
  const sizes = dataset && sizesOf(instanceCount(dataset.rows, window));
  const trainRows = sizes?.train ?? null;
  const hasValidation = sizes === null || sizes.validation > 0;
  const question = { spec, columns, task: 'auto', window, hasValidation, trainRows, limits } as const;
  // Memory does not depend on how long a training is: without one the defaults stand in.
  const check = checkNetwork({ ...question, training: training ?? { epochs: 1 } });
  const costs = check.faults.length === 0 ? costsOf(check, trainRows ?? 0) : null;
  const tooLarge = costs === null || check.training === null ? [] : arenaFaults(costs.memory_bytes, check.training, limits);
  const targets = columns?.targets ?? [];
  const ofWindow = window === null ? [] : windowFaults({ window, dataset, targets, task: undefined, kind: undefined, training });
  const errors = [...check.faults, ...tooLarge, ...ofWindow];
  return {
    valid: errors.length === 0,
    errors,
    warnings: check.warnings,
    layers: check.report.layers,
    total_params: check.report.total_params,
    memory_bytes: costs?.memory_bytes ?? null,
    estimate:
      costs === null || training === undefined || columns === null
        ? null
        : { seconds_p50: costs.seconds_p50, seconds_p90: costs.seconds_p90 },
  };
}

function costsOf({ report, task, training }: NetworkCheck, trainRows: number): Estimate | null {
  if (report.spec === null || training === null) return null;
  return estimateTraining({ spec: report.spec, task: engineTask(task), training, rows: trainRows });
}

/** The parts a job has unless it splits its rows otherwise. */
function sizesOf(rows: number) {
  return splitSizes(rows, { train: 1 - DEFAULT_VALIDATION, validation: DEFAULT_VALIDATION, test: 0 });
}
