import type { Fault } from '../faults.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { autoLoss, LOSSES, lossOf, lossOptions } from '../losses/index.ts';
import { METRICS } from '../metrics/index.ts';
import { nearest } from '../nearest.ts';
import { checkSchema, parseSchema } from '../schema.ts';
import type { EarlyStoppingOptions, TrainingOptions } from '../trainer/training.ts';
import type { SpecReport, TargetSignature, Task } from './model-spec.ts';
import { AUTO_LOSS, type PostedTraining, TRAINING } from './training-schema.ts';

export interface TrainingCheck {
  readonly training: unknown;
  /** The network it is for, from `checkSpec`. */
  readonly report: SpecReport;
  /** Without it the target is taken to be what the output layer was made for. */
  readonly target?: TargetSignature;
  readonly task: Task;
  /** Whether there is a validation part, whose metrics early stopping may watch. */
  readonly validation: boolean;
  /** Training rows, when known. */
  readonly rows?: number;
  readonly limits: { readonly epochsMax: number };
}

export interface TrainingReport {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** The options with every default filled in; null when there are faults, or when the network has some that leave its output unknown. */
  readonly training: TrainingOptions | null;
}

/** Options of the contract that this version cannot keep. Refused, because ignoring them would train something else. */
const LATER_OPTIONS = ['schedule', 'clip_norm', 'global_clip_norm', 'clip_value', 'class_weight', 'sample_weight_column'] as const;

/** Everything wrong with training options, and the options as they will be used. */
export function checkTraining(request: TrainingCheck): TrainingReport {
  const { report, task, limits } = request;
  const { posted, complete, faults: structure } = readPosted(request.training);
  const target = request.target ?? (report.output && assumedTarget(report.output, task));
  const loss = report.output && target ? resolveLoss(posted.loss, report.output, target) : null;
  const metrics = posted.metrics ?? DEFAULT_METRICS[task];
  const watched = posted.early_stopping ? { metric: watchedByDefault(request), ...posted.early_stopping } : null;
  const faults = [
    ...structure,
    ...epochFaults(request.training, limits.epochsMax),
    ...lossFaults(loss, report, target),
    ...metricFaults(posted.metrics ?? [], target),
    ...watchFaults(watched, metrics, request.validation),
  ];
  return {
    faults,
    warnings: warningsFor({ posted, loss, report, rows: request.rows }),
    training: faults.length === 0 && complete && loss ? { ...complete, loss, metrics, early_stopping: watched } : null,
  };
}

const DEFAULT_METRICS: Readonly<Record<Task, readonly (keyof typeof METRICS)[]>> = {
  classification: ['accuracy'],
  regression: ['mean_absolute_error'],
};

/** The options as far as they are right in themselves: what can be said of single ones is said even when others are faulty. */
function readPosted(training: unknown): { posted: ReadableOptions; complete: PostedTraining | null; faults: readonly Fault[] } {
  if (!isObject(training)) return { posted: {}, complete: null, faults: checkSchema(TRAINING, training) };
  const fields = withoutLater(training);
  const parsed = parseSchema(TRAINING, fields);
  return { posted: parsed.value ?? readableOptions(fields), complete: parsed.value, faults: [...laterFaults(training), ...parsed.faults] };
}

function laterFaults(training: JsonObject): Fault[] {
  return LATER_OPTIONS.filter((name) => Object.hasOwn(training, name)).map((name) => ({
    pointer: `/${name}`,
    code: 'unknown_field',
    detail: `${name} is not part of this version; leave it out.`,
    suggestion: [{ op: 'remove', path: `/${name}` }],
  }));
}

function withoutLater(training: JsonObject): JsonObject {
  const names: readonly string[] = LATER_OPTIONS;
  return Object.fromEntries(Object.entries(training).filter(([name]) => !names.includes(name)));
}

function epochFaults(training: unknown, epochsMax: number): Fault[] {
  const epochs = isObject(training) ? training['epochs'] : undefined;
  if (typeof epochs !== 'number' || !Number.isInteger(epochs) || epochs <= epochsMax) return [];
  return [
    {
      pointer: '/epochs',
      code: 'limit_exceeded',
      detail: `${epochs} epochs were asked for, this server allows ${epochsMax}.`,
      expected: epochsMax,
      received: epochs,
      suggestion: [{ op: 'replace', path: '/epochs', value: epochsMax }],
    },
  ];
}

type ReadableOptions = Partial<Pick<PostedTraining, 'loss' | 'metrics' | 'early_stopping' | 'batch_size'>>;

function readableOptions(training: JsonObject): ReadableOptions {
  const { loss, metrics, early_stopping, batch_size } = TRAINING.properties;
  const read = Object.entries({ loss, metrics, early_stopping, batch_size })
    .filter(([name, schema]) => Object.hasOwn(training, name) && checkSchema(schema, training[name]).length === 0)
    .map(([name]) => [name, training[name]]);
  return Object.fromEntries(read) as ReadableOptions;
}

/** The target an output layer was made for. */
function assumedTarget({ shape, activation }: NonNullable<SpecReport['output']>, task: Task): TargetSignature {
  const width = shape.at(-1) ?? 1;
  if (task === 'regression') return { kind: 'numbers', outputs: width };
  return { kind: 'classes', classes: width === 1 && activation === 'sigmoid' ? 2 : width };
}

function resolveLoss(posted: string | undefined, output: NonNullable<SpecReport['output']>, target: TargetSignature): keyof typeof LOSSES {
  return posted !== undefined && posted !== AUTO_LOSS && isLoss(posted) ? posted : autoLoss(output, target);
}

function isLoss(name: string): name is keyof typeof LOSSES {
  return Object.hasOwn(LOSSES, name);
}

function lossFaults(loss: keyof typeof LOSSES | null, { output, spec }: SpecReport, target: TargetSignature | null): Fault[] {
  // A network that does not fit the target has been told so; its loss need not be blamed too.
  if (!loss || !output || !target || !spec) return [];
  const mismatch = lossOf(loss).mismatch(output, target, lossOptions(loss));
  if (mismatch === null) return [];
  const suggestion = [{ op: 'add' as const, path: '/loss', value: AUTO_LOSS }];
  return [{ pointer: '/loss', code: 'loss_mismatch', detail: `${loss} does not fit: ${mismatch}`, received: loss, suggestion }];
}

function metricFaults(metrics: readonly (keyof typeof METRICS)[], target: TargetSignature | null): Fault[] {
  if (!target) return [];
  return metrics.flatMap((metric, i) => {
    const targets: readonly TargetSignature['kind'][] = METRICS[metric].targets;
    if (targets.includes(target.kind)) return [];
    const pointer = `/metrics/${i}`;
    const detail = `${metric} is for ${targets.join(' and ')}, the target holds ${target.kind}.`;
    return [{ pointer, code: 'metric_mismatch', detail, received: metric, suggestion: [{ op: 'remove' as const, path: pointer }] }];
  });
}

function watchedByDefault({ validation }: TrainingCheck): string {
  return validation ? 'val_loss' : 'loss';
}

function watchFaults(watched: EarlyStoppingOptions | null, metrics: readonly string[], validation: boolean): Fault[] {
  if (!watched) return [];
  const { metric } = watched;
  const names = ['loss', ...metrics];
  const known = validation ? [...names, ...names.map((name) => `val_${name}`)] : names;
  if (known.includes(metric)) return [];
  const path = '/early_stopping/metric';
  const meant = nearest(metric, known);
  return [
    {
      pointer: path,
      code: 'metric_mismatch',
      detail: `This job does not compute ${JSON.stringify(metric)}. It computes ${known.join(', ')}.`,
      expected: known,
      received: metric,
      ...(meant !== undefined && { suggestion: [{ op: 'replace', path, value: meant }] }),
    },
  ];
}

interface WarningContext {
  readonly posted: ReadableOptions;
  readonly loss: keyof typeof LOSSES | null;
  readonly report: SpecReport;
  readonly rows: number | undefined;
}

function warningsFor({ posted, loss, report, rows }: WarningContext): Fault[] {
  const activation = report.output?.activation;
  const warnings: Fault[] = [];
  const auto = [{ op: 'replace' as const, path: '/loss', value: AUTO_LOSS }];
  if (loss === 'mean_squared_error' && activation === 'softmax') {
    const detail = 'Softmax with a squared error learns slowest where it is most wrong; a cross-entropy does not.';
    warnings.push({ pointer: '/loss', code: 'softmax_with_squared_error', detail, suggestion: auto });
  }
  if (loss === 'binary_cross_entropy' && activation !== 'sigmoid') {
    const detail = `The loss reads the output as a probability, but it ends in ${activation}.`;
    warnings.push({ pointer: '/loss', code: 'unbounded_probabilities', detail, suggestion: auto });
  }
  if (rows !== undefined && posted.batch_size !== undefined && posted.batch_size > rows) {
    const detail = `A batch of ${posted.batch_size} is larger than the ${rows} training rows: every epoch is one update.`;
    warnings.push({ pointer: '/batch_size', code: 'batch_larger_than_data', detail, expected: rows, received: posted.batch_size });
  }
  return warnings;
}
