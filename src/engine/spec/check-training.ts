import type { Fault } from '../faults.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import type { LossName } from '../losses/index.ts';
import { checkSchema, parseSchema, withDefaults } from '../schema.ts';
import type { TrainingOptions } from '../trainer/training.ts';
import { checkOutputs } from './check-outputs.ts';
import { updateFaults, watchedFaults } from './check-update.ts';
import type { SpecReport, TargetSignature, Task } from './model-spec.ts';
import { AUTO_LOSS, type PostedTraining, TRAINING } from './training-schema.ts';

export interface TrainingCheck {
  readonly training: unknown;
  /** The network it is for, from `checkSpec`. */
  readonly report: SpecReport;
  /** Without it the target is taken to be what the output layer was made for. */
  readonly target?: TargetSignature;
  /** For a network with several outputs, in their order. */
  readonly targets?: readonly TargetSignature[];
  readonly task: Task;
  /** Whether there is a validation part, whose metrics early stopping may watch. */
  readonly validation: boolean;
  /** Numeric columns by which rows can be weighed. */
  readonly weightColumns?: readonly string[];
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

/** Everything wrong with training options, and the options as they will be used. */
export function checkTraining(request: TrainingCheck): TrainingReport {
  const { report, task, limits } = request;
  const { posted, complete, faults: structure } = readPosted(request.training);
  const check = checkOutputs({ posted, report, targets: request.targets ?? (request.target ? [request.target] : null), task });
  const { loss, target } = check;
  const watched = posted.early_stopping ? { metric: watchedByDefault(request), ...posted.early_stopping } : null;
  const watchable = watchableNames(check.numbers, request.validation);
  const options = { ...posted, ...rowByRow(request.training, posted) };
  const lossName = loss?.name ?? null;
  const faults = [
    ...structure,
    ...epochFaults(request.training, limits.epochsMax),
    ...check.faults,
    ...(watched ? watchedFaults(watched.metric, watchable, '/early_stopping/metric') : []),
    ...updateFaults({ options, report, loss: lossName, target, watchable, weightColumns: request.weightColumns ?? [] }),
  ];
  const usable = faults.length === 0 && complete !== null && loss !== null;
  const { metrics, outputs } = check;
  const chosen = { ...rowByRow(request.training, posted), metrics, ...(outputs && { outputs }), early_stopping: watched };
  return {
    faults,
    warnings: warningsFor({ posted: options, loss: lossName, report, rows: request.rows }),
    training: usable ? { ...complete, ...chosen, loss: loss.echoed } : null,
  };
}

/** The perceptron rule takes row by row: that is the default of its batch size. */
function rowByRow(training: unknown, { optimizer }: ReadableOptions): { batch_size: 1 } | null {
  const asked = isObject(training) && Object.hasOwn(training, 'batch_size');
  return optimizer?.type === 'perceptron' && !asked ? { batch_size: 1 } : null;
}

/** The options as far as they are right in themselves: what can be said of single ones is said even when others are faulty. */
function readPosted(training: unknown): { posted: ReadableOptions; complete: PostedTraining | null; faults: readonly Fault[] } {
  if (!isObject(training)) return { posted: {}, complete: null, faults: checkSchema(TRAINING, training) };
  const parsed = parseSchema(TRAINING, training);
  return { posted: parsed.value ?? readableOptions(training), complete: parsed.value, faults: parsed.faults };
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

const READABLE = [
  'loss',
  'metrics',
  'outputs',
  'early_stopping',
  'batch_size',
  'optimizer',
  'schedule',
  'class_weight',
  'sample_weight_column',
] as const;

type ReadableOptions = Partial<Pick<PostedTraining, (typeof READABLE)[number]>>;

function readableOptions(training: JsonObject): ReadableOptions {
  const read = READABLE.filter((name) => {
    return Object.hasOwn(training, name) && checkSchema(TRAINING.properties[name], training[name]).length === 0;
  }).map((name) => [name, withDefaults(TRAINING.properties[name], training[name])]);
  return Object.fromEntries(read) as ReadableOptions;
}

/** Names of the numbers a job computes, with those of the validation part. */
function watchableNames(names: readonly string[], validation: boolean): string[] {
  return validation ? [...names, ...names.map((name) => `val_${name}`)] : [...names];
}

function watchedByDefault({ validation }: TrainingCheck): string {
  return validation ? 'val_loss' : 'loss';
}

interface WarningContext {
  readonly posted: ReadableOptions;
  readonly loss: LossName | null;
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
