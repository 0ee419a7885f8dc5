import { type Estimate, estimateTraining, type Fault, type LayerReport } from '../engine/index.ts';
import type { RequestFault } from '../errors.ts';
import type { WindowOptions } from '../preprocessing/index.ts';
import { checkNetwork, memoryFaults, type NetworkCheck, type TrainingLimits } from './check-network.ts';
import type { CheckedDataset } from './check-training-request.ts';
import { dataMemory, type SizedData } from './data-memory.ts';
import { DEFAULT_VALIDATION, engineTask, furtherTargets, targetColumns } from './training-request.ts';
import { partSizes, windowFaults } from './window-request.ts';

/** What `POST /v1/models/validate` answers. */
export interface SpecValidation {
  readonly valid: boolean;
  readonly errors: readonly RequestFault[];
  readonly warnings: readonly Fault[];
  readonly layers: readonly LayerReport[];
  readonly total_params: number;
  /** Bytes training takes, with the data when there is one; null when faults leave no network to measure. */
  readonly memory_bytes: number | null;
  /** Those of them that the training allocates at once: weights, gradients, activations. */
  readonly arena_bytes: number | null;
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

/** The parts a job has unless it splits its rows otherwise. */
const DEFAULT_FRACTIONS = { train: 1 - DEFAULT_VALIDATION, validation: DEFAULT_VALIDATION, test: 0 };

/** Checks a spec alone, or against a dataset and a training, as posting the job would. */
export function validateSpec({ spec, dataset, target, window = null, training, limits }: SpecValidationQuestion): SpecValidation {
  const columns =
    dataset === null || target === undefined ? null : { schema: dataset.schema, targets: targetColumns(target), features: undefined };
  const sizes = dataset && partSizes(dataset.rows, window, DEFAULT_FRACTIONS);
  const trainRows = sizes?.train ?? null;
  const hasValidation = sizes === null || sizes.validation > 0;
  const question = { spec, columns, task: 'auto', window, hasValidation, trainRows, limits } as const;
  // Memory does not depend on how long a training is: without one the defaults stand in.
  const check = checkNetwork({ ...question, training: training ?? { epochs: 1 } });
  const costs = check.faults.length === 0 ? costsOf(check, trainRows ?? 0) : null;
  const data = dataBytes({ dataset, features: check.features, target, window }, limits);
  const tooLarge = tooLargeFaults(check, costs, { data, limits });
  const targets = columns?.targets ?? [];
  const ofWindow = window === null ? [] : windowFaults({ window, dataset, targets, task: undefined, kind: undefined, training });
  const errors = [...check.faults, ...tooLarge, ...ofWindow];
  return {
    valid: errors.length === 0,
    errors,
    warnings: check.warnings,
    layers: check.report.layers,
    total_params: check.report.total_params,
    memory_bytes: costs && costs.memory_bytes + data,
    arena_bytes: costs?.memory_bytes ?? null,
    estimate:
      costs === null || training === undefined || columns === null
        ? null
        : { seconds_p50: costs.seconds_p50, seconds_p90: costs.seconds_p90 },
  };
}

function tooLargeFaults(
  { training }: NetworkCheck,
  costs: Estimate | null,
  { data, limits }: { readonly data: number; readonly limits: TrainingLimits },
): Fault[] {
  return costs === null || training === null ? [] : memoryFaults({ network: costs.memory_bytes, data }, training, limits);
}

function dataBytes(
  { dataset, target, ...rest }: Pick<SpecValidationQuestion, 'dataset' | 'target'> & Pick<SizedData, 'features' | 'window'>,
  { datasetMemoryBytes }: TrainingLimits,
): number {
  return dataset === null || target === undefined ? 0 : dataMemory({ dataset, target, ...rest }, datasetMemoryBytes);
}

function costsOf({ report, task, outputs, training }: NetworkCheck, trainRows: number): Estimate | null {
  if (report.spec === null || training === null) return null;
  return estimateTraining({
    spec: report.spec,
    task: engineTask(task),
    training,
    rows: trainRows,
    furtherTargets: furtherTargets(outputs ? { outputs } : {}),
  });
}
