import type { ColumnSchema } from '../datasets/table.ts';
import { checkSchema, estimateTraining, type Fault, type ModelSpec } from '../engine/index.ts';
import type { WindowOptions } from '../preprocessing/index.ts';
import { draftOfKind, givenWeightFaults, kindFaults } from './check-kind.ts';
import { checkNetwork, memoryFaults, type NetworkCheck, type TrainingLimits } from './check-network.ts';
import { dataMemory } from './data-memory.ts';
import type { PartSizes, SplitOptions } from './split.ts';
import {
  DEFAULT_VALIDATION,
  engineTask,
  furtherTargets,
  type JobTask,
  type TrainingRequest,
  TrainingRequestBody,
  targetColumns,
  updatesOf,
} from './training-request.ts';
import { expansionFaults, instanceCount, partSizes, windowFaults, windowOptions } from './window-request.ts';

/** A dataset as far as the check needs it. */
export interface CheckedDataset {
  readonly id: string;
  readonly rows: number;
  /** Size of its table. */
  readonly bytes: number;
  readonly sha256: string;
  readonly schema: readonly ColumnSchema[];
}

export interface TrainingRequestCheck {
  readonly faults: readonly Fault[];
  readonly checked: CheckedTrainingRequest | null;
}

/** A request without faults, and what the job's row takes from the check. */
export interface CheckedTrainingRequest {
  readonly request: TrainingRequest;
  readonly warnings: readonly Fault[];
  readonly datasetSha256: string;
  /** Updates the job takes. */
  readonly steps: number;
}

export interface TrainingRequestQuestion {
  readonly body: unknown;
  /** What the body refers to; null when there is no such thing. */
  readonly dataset: CheckedDataset | null;
  readonly modelSpec: ModelSpec | null;
  readonly limits: TrainingLimits;
}

/** A body as far as it is usable: fields with structural faults are absent. */
type Draft = Partial<TrainingRequestBody>;

/**
 * Checks the body of `POST /v1/jobs` as a whole: its structure, what it refers to, the network, the training, the columns and
 * the split. Every fault is found at once: a field that is unusable is left out of the checks that would need it.
 */
export function checkTrainingRequest(question: TrainingRequestQuestion): TrainingRequestCheck {
  const { body, dataset, limits } = question;
  const structural = checkSchema(TrainingRequestBody, body).map(ofOnSuccess);
  const draft = draftOfKind(usableFields(body, structural));
  const { spec, faults: specChoice } = chosenSpec(draft, question);
  const fractions = fractionsOf(draft);
  const window = windowOptions(draft.window);
  const sizes = dataset && partSizes(dataset.rows, window, fractions);
  // Without its windows a forecast would be taken for something else.
  const isWindowRead = !structural.some(({ pointer }) => pointer.startsWith('/window'));
  const network = checkNetwork({
    spec,
    columns:
      dataset === null || draft.target === undefined || !isWindowRead
        ? null
        : { schema: dataset.schema, targets: targetColumns(draft.target), features: draft.features },
    task: draft.task ?? 'auto',
    window,
    training: draft.training,
    // A small share of few rows is no row.
    hasValidation: sizes === null ? fractions.validation > 0 : sizes.validation > 0,
    trainRows: sizes?.train ?? null,
    limits,
  });
  const split = splitOf(draft, network);
  const faults = [
    ...structural,
    ...kindFaults(body, draft),
    ...specChoice,
    ...(draft.dataset !== undefined && dataset === null ? [unknownDataset(draft.dataset)] : []),
    ...network.faults.flatMap((fault) => (spec === undefined && fault.pointer.startsWith('/spec') ? [] : ofModel(draft, fault))),
    ...splitFaults(split, network.task, dataset && sizes && { all: instanceCount(dataset.rows, window), sizes }),
    ...(isWindowRead ? forecastFaults(draft, window, dataset) : []),
    ...expansionFaults({ features: network.features, dataset, data: network.data, limits }),
    ...givenWeightFaults(draft, network.report.spec),
  ];
  if (faults.length > 0 || dataset === null || sizes === null) return { faults, checked: null };
  const request = normalise(draft, network, split);
  const trainRows = sizes.train;
  const memory = jobMemoryFaults(request, { dataset, trainRows, server: limits }).map((fault) => ofModel(draft, fault));
  if (memory.length > 0) return { faults: memory, checked: null };
  return {
    faults: [],
    checked: { request, warnings: network.warnings, datasetSha256: dataset.sha256, steps: updatesOf(request, trainRows) },
  };
}

function usableFields(body: unknown, faults: readonly Fault[]): Draft {
  if (typeof body !== 'object' || body === null) return {};
  const broken = new Set(faults.map(({ pointer }) => pointer.split('/')[1]));
  // What is left has passed its own schema.
  return Object.fromEntries(Object.entries(body).filter(([field]) => !broken.has(field)));
}

function chosenSpec(draft: Draft, { body, modelSpec }: TrainingRequestQuestion): { spec: unknown; faults: Fault[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { spec: undefined, faults: [] };
  const hasSpec = Object.hasOwn(body, 'spec');
  const hasModel = Object.hasOwn(body, 'model');
  if (hasSpec && hasModel) {
    const detail = 'Give either "spec" or "model": a stored model brings its own spec.';
    return {
      spec: draft.spec,
      faults: [{ pointer: '/model', code: 'conflicting_fields', detail, suggestion: [{ op: 'remove', path: '/model' }] }],
    };
  }
  if (hasSpec) return { spec: draft.spec, faults: [] };
  if (!hasModel) {
    return {
      spec: undefined,
      faults: [{ pointer: '/spec', code: 'missing_field', detail: 'Give the network as "spec", or the name of a stored one as "model".' }],
    };
  }
  if (draft.model !== undefined && modelSpec === null) {
    const detail = `There is no model named ${JSON.stringify(draft.model)}.`;
    return { spec: undefined, faults: [{ pointer: '/model', code: 'unknown_model', detail, received: draft.model }] };
  }
  return { spec: modelSpec ?? undefined, faults: [] };
}

/** The fault of an id that names no dataset of the project. */
export function unknownDataset(id: string): Fault {
  return { pointer: '/dataset', code: 'unknown_dataset', detail: 'There is no dataset with this id.', received: id };
}

/** Says what `on_success` cannot do, and why it needs a model. */
function ofOnSuccess(fault: Fault): Fault {
  if (fault.pointer === '/on_success/alias') {
    const detail = 'Aliases are not part of this version: deploy the new version by name with "deploy", or leave "alias" out.';
    return { ...fault, detail, suggestion: [{ op: 'remove', path: fault.pointer }] };
  }
  if (fault.pointer !== '/on_success/model' || fault.code !== 'missing_field') return fault;
  return { ...fault, detail: 'The trained weights become a version of a model: name it in "model". A deployment serves such a version.' };
}

/** Faults of a stored spec are told where the body names it. */
function ofModel(draft: Draft, fault: Fault): Fault {
  if (draft.model === undefined || !fault.pointer.startsWith('/spec')) return fault;
  const { suggestion: _, ...rest } = fault;
  const place = fault.pointer.slice('/spec'.length);
  return {
    ...rest,
    pointer: '/model',
    detail: `The spec of model "${draft.model}" does not fit, at ${place || 'its root'}: ${fault.detail}`,
  };
}

function fractionsOf({ split = {} }: Draft) {
  const { validation = DEFAULT_VALIDATION, test = 0 } = split;
  // 1 - 0.2 - 0.1 is 0.7000000000000001 in binary: the echo is to show what people mean.
  return { train: split.train ?? Math.max(0, Math.round((1 - validation - test) * 1e9) / 1e9), validation, test };
}

const DEFAULT_STRATEGY = { classification: 'stratified', regression: 'random', forecasting: 'time' } as const;

function splitOf(draft: Draft, { task, training }: NetworkCheck): SplitOptions {
  const { split = {} } = draft;
  return {
    ...fractionsOf(draft),
    strategy: split.strategy ?? DEFAULT_STRATEGY[task],
    seed: split.seed ?? training?.seed ?? 0,
  };
}

function splitFaults(split: SplitOptions, task: JobTask, rows: { readonly all: number; readonly sizes: PartSizes } | null): Fault[] {
  const faults: Fault[] = [];
  const total = split.train + split.validation + split.test;
  if (total > 1 + 1e-9) {
    const detail = `The parts add up to ${Number(total.toFixed(6))} of the rows; together they can be 1 at most.`;
    faults.push({ pointer: '/split', code: 'out_of_range', detail, expected: 1, received: total });
  }
  if (task === 'forecasting' && split.strategy !== 'time') {
    const detail = 'Forecasts are judged on what came later: windows drawn at random would be trained on the rows they are judged by.';
    const suggestion = [{ op: 'replace', path: '/split/strategy', value: 'time' } as const];
    faults.push({ pointer: '/split/strategy', code: 'task_mismatch', detail, expected: 'time', received: split.strategy, suggestion });
  } else if (split.strategy === 'stratified' && task !== 'classification') {
    const detail = 'Only classes can be stratified, and this target holds numbers.';
    const suggestion = [{ op: 'replace', path: '/split/strategy', value: 'random' } as const];
    faults.push({ pointer: '/split/strategy', code: 'task_mismatch', detail, received: 'stratified', suggestion });
  }
  if (faults.length === 0 && rows?.sizes.train === 0) {
    const detail = `Of ${rows.all} ${task === 'forecasting' ? 'windows' : 'rows'} none is left to train on.`;
    faults.push({ pointer: '/split', code: 'no_training_rows', detail, received: rows.all });
  }
  return faults;
}

/** A forecast needs windows, and windows must fit what is forecast. */
function forecastFaults(draft: Draft, window: WindowOptions | null, dataset: CheckedDataset | null): Fault[] {
  const { task, kind, target, training } = draft;
  if (window !== null)
    return windowFaults({ window, dataset, targets: target === undefined ? [] : targetColumns(target), task, kind, training });
  if (task !== 'forecasting') return [];
  const detail = 'A forecast is made from a window of rows: say with "window" how many rows it sees, as "history".';
  return [{ pointer: '/window', code: 'missing_field', detail, suggestion: [{ op: 'add', path: '/window', value: { history: 10 } }] }];
}

function jobMemoryFaults(
  request: TrainingRequest,
  { dataset, trainRows, server }: { dataset: CheckedDataset; trainRows: number; server: TrainingLimits },
): Fault[] {
  const { spec, task, training, diagnostics, limits } = request;
  const network = estimateTraining({
    spec,
    task: engineTask(task),
    training,
    diagnostics,
    rows: trainRows,
    furtherTargets: furtherTargets(request),
  }).memory_bytes;
  const data = dataMemory({ ...request, dataset }, server.datasetMemoryBytes);
  const tooLarge = memoryFaults({ network, data }, training, server);
  const needed = network + data;
  const allowed = limits.max_memory_bytes;
  if (tooLarge.length > 0 || allowed === null || needed <= allowed) return tooLarge;
  const detail = `Training needs ${needed} bytes; the request allows ${allowed}. A smaller batch or network needs less.`;
  return [{ pointer: '/limits/max_memory_bytes', code: 'limit_exceeded', detail, expected: allowed, received: needed }];
}

/** The request with every default filled in. Only called without faults: what is not there was not given. */
function normalise(draft: Draft, network: NetworkCheck, split: SplitOptions): TrainingRequest {
  const { dataset, target } = draft;
  const { report, training } = network;
  if (dataset === undefined || target === undefined || report.spec === null || training === null) {
    throw new Error('a request without faults lacks a required field');
  }
  return {
    kind: draft.kind ?? 'training',
    model: draft.model ?? null,
    spec: report.spec,
    dataset,
    target,
    task: network.task,
    ...(network.outputs && { outputs: network.outputs }),
    features: network.features,
    window: windowOptions(draft.window),
    split,
    training,
    initial_weights: draft.initial_weights ?? null,
    diagnostics: draft.diagnostics ?? false,
    limits: { max_seconds: draft.limits?.max_seconds ?? null, max_memory_bytes: draft.limits?.max_memory_bytes ?? null },
    on_success: draft.on_success === undefined ? null : { model: draft.on_success.model, deploy: draft.on_success.deploy ?? null },
    metadata: draft.metadata ?? {},
  };
}
