/*
 * Losses and metrics against the outputs of a network and their targets, which meet in order.
 */

import type { Fault } from '../faults.ts';
import { pointerTo } from '../json-schema.ts';
import { autoLoss, LOSSES, type LossName, lossOf, lossOptions } from '../losses/index.ts';
import type { LossOutput } from '../losses/loss.ts';
import { type MetricName, metricOf } from '../metrics/index.ts';
import { nearest } from '../nearest.ts';
import type { OutputTraining, TypedOptions } from '../trainer/training.ts';
import type { OutputReport, SpecReport, TargetSignature, Task } from './model-spec.ts';
import { AUTO_LOSS, type PostedTraining } from './training-schema.ts';

interface OutputsQuestion {
  readonly posted: Partial<Pick<PostedTraining, 'loss' | 'metrics' | 'outputs'>>;
  readonly report: SpecReport;
  /** Without them targets are taken to be what the output layers were made for. */
  readonly targets: readonly TargetSignature[] | null;
  /** Of the first output. */
  readonly task: Task;
}

export interface OutputsCheck {
  readonly faults: readonly Fault[];
  /** Loss and target of the first output; null where it is not known. */
  readonly loss: ResolvedLoss | null;
  readonly target: TargetSignature | null;
  readonly metrics: PostedMetrics;
  /** For several outputs: what each is trained with. */
  readonly outputs: Readonly<Record<string, OutputTraining>> | null;
  /** Names of the numbers that are computed. */
  readonly numbers: readonly string[];
}

/** What each output is trained with, and what of that does not fit. */
export function checkOutputs(question: OutputsQuestion): OutputsCheck {
  const { posted, report, task } = question;
  const names = report.outputs.length > 1 ? (report.spec?.outputs ?? report.outputs.map(({ name }) => name)) : [];
  const strangers = Object.keys(posted.outputs ?? {}).filter((name) => !names.includes(name));
  // A network that does not fit its targets has been told so; its losses need not be blamed too.
  const reports = report.outputs.length > 0 ? report.outputs : [report.output].filter((output) => output !== null);
  const checks = reports.map((output, i) => checkOutput(question, { output, i, name: names[i] ?? null }));
  const [first] = checks;
  const faults = [
    ...(report.spec === null && report.outputs.length === 0 ? [] : strangers.map((name) => unknownOutput(name, names))),
    ...(report.spec === null ? [] : checks.flatMap((check) => lossFaults(check))),
    ...uniqueFaults(checks.flatMap((check) => metricFaults(check.posted, check))),
  ];
  const metrics = first?.metrics ?? posted.metrics ?? DEFAULT_METRICS[task === 'classification' ? 'classes' : 'numbers'];
  const outputs = checks.map(
    ({ name, loss, weight, metrics: own }) => [name, { loss: loss.echoed, loss_weight: weight, metrics: own }] as const,
  );
  return {
    faults,
    loss: first?.loss ?? null,
    target: first?.target ?? question.targets?.[0] ?? null,
    metrics,
    outputs: names.length > 0 ? Object.fromEntries(outputs) : null,
    numbers: checks.length > 0 ? numbersOf(checks) : ['loss', ...numbersAmong(metrics)],
  };
}

const DEFAULT_METRICS: Readonly<Record<TargetSignature['kind'], readonly MetricName[]>> = {
  classes: ['accuracy'],
  numbers: ['mean_absolute_error'],
};

interface OutputCheck {
  /** Empty where there is but one. */
  readonly name: string;
  readonly output: OutputReport;
  readonly target: TargetSignature;
  readonly loss: ResolvedLoss;
  readonly lossPointer: string;
  readonly weight: number;
  readonly metrics: PostedMetrics;
  /** Metrics that were asked for. */
  readonly posted: PostedMetrics;
  readonly metricsPointer: string;
}

function checkOutput(
  { posted, targets, task }: OutputsQuestion,
  { output, i, name }: { readonly output: OutputReport; readonly i: number; readonly name: string | null },
): OutputCheck {
  const own = name === null ? undefined : posted.outputs?.[name];
  const target = targets?.[i] ?? assumedTarget(output, i === 0 ? task : taskOf(output));
  const at = pointerTo('/outputs', name ?? '');
  return {
    name: name ?? '',
    output,
    target,
    loss: resolveLoss(own?.loss ?? posted.loss, output, target),
    lossPointer: own?.loss === undefined ? '/loss' : `${at}/loss`,
    weight: own?.loss_weight ?? 1,
    metrics: own?.metrics ?? posted.metrics ?? DEFAULT_METRICS[target.kind],
    posted: own?.metrics ?? posted.metrics ?? [],
    metricsPointer: own?.metrics === undefined ? '/metrics' : `${at}/metrics`,
  };
}

function taskOf({ activation }: OutputReport): Task {
  return activation === 'softmax' || activation === 'sigmoid' ? 'classification' : 'regression';
}

/** Names of numbers: with several outputs each begins with the name of its own, and `loss` alone is their sum. */
function numbersOf(checks: readonly OutputCheck[]): string[] {
  const several = checks.length > 1;
  const named = checks.flatMap(({ name, metrics }) => {
    const numbers = numbersAmong(metrics);
    return several ? ['loss', ...numbers].map((number) => `${name}_${number}`) : numbers;
  });
  return ['loss', ...named];
}

function numbersAmong(metrics: PostedMetrics): MetricName[] {
  return metrics.map(typeOf).filter((type) => metricOf(type).better !== null);
}

/** A metric for all outputs that fits several of them as badly is one fault. */
function uniqueFaults(faults: readonly Fault[]): Fault[] {
  return faults.filter(({ pointer }, i) => faults.findIndex((other) => other.pointer === pointer) === i);
}

function unknownOutput(name: string, names: readonly string[]): Fault {
  const meant = nearest(name, names);
  const known = names.length > 0 ? `its outputs are ${names.join(', ')}` : 'it has one output, which needs no name';
  return {
    pointer: pointerTo('/outputs', name),
    code: 'unknown_reference',
    detail: `The network has no output ${JSON.stringify(name)}: ${known}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
    expected: names,
    received: name,
    suggestion: [{ op: 'remove', path: pointerTo('/outputs', name) }],
  };
}

/** The target an output layer was made for. */
function assumedTarget({ shape, activation }: OutputReport, task: Task): TargetSignature {
  const width = shape.at(-1) ?? 1;
  if (task === 'regression') return { kind: 'numbers', outputs: width };
  return { kind: 'classes', classes: width === 1 && (activation === 'sigmoid' || activation === 'step') ? 2 : width };
}

interface ResolvedLoss {
  readonly name: LossName;
  readonly options: Readonly<Record<string, unknown>>;
  /** The loss as it was asked for: its type, or with all its options. */
  readonly echoed: string | TypedOptions;
}

function resolveLoss(posted: PostedTraining['loss'] | undefined, output: LossOutput, target: TargetSignature): ResolvedLoss {
  const { type, ...options } = typeof posted === 'object' ? posted : { type: posted ?? AUTO_LOSS };
  const name = isLoss(type) ? type : autoLoss(output, target);
  const complete = lossOptions(name, options);
  return { name, options: complete, echoed: typeof posted === 'object' ? { type: name, ...complete } : name };
}

function isLoss(name: string): name is LossName {
  return Object.hasOwn(LOSSES, name);
}

/** What is wrong with the loss of an output, told at the place it was asked for. */
function lossFaults({ loss, output, target, lossPointer }: OutputCheck): Fault[] {
  const { name, options } = loss;
  const mismatch = lossOf(name).mismatch(output, target, options);
  if (mismatch === null) return [];
  const suggestion = [{ op: 'add' as const, path: lossPointer, value: AUTO_LOSS }];
  return [{ pointer: lossPointer, code: 'loss_mismatch', detail: `${name} does not fit: ${mismatch}`, received: name, suggestion }];
}

type PostedMetrics = readonly (MetricName | { readonly type: MetricName })[];

function typeOf(metric: PostedMetrics[number]): MetricName {
  return typeof metric === 'string' ? metric : metric.type;
}

function metricFaults(metrics: PostedMetrics, { target, output, metricsPointer }: OutputCheck): Fault[] {
  const types = metrics.map(typeOf);
  return types.flatMap((type, i): Fault[] => {
    const pointer = `${metricsPointer}/${i}`;
    const suggestion = [{ op: 'remove' as const, path: pointer }];
    if (types.indexOf(type) < i && typeof metrics[i] !== typeof metrics[types.indexOf(type)]) {
      return [{ pointer, code: 'duplicate_value', detail: `${type} is asked for twice.`, received: type, suggestion }];
    }
    const { targets, perClass } = metricOf(type);
    const single = perClass === true && output.shape.at(-1) === 1;
    if (targets.includes(target.kind) && !single) return [];
    const detail = single
      ? `${type} compares the scores of the classes, the output is a single probability.`
      : `${type} is for ${targets.join(' and ')}, the target holds ${target.kind}.`;
    return [{ pointer, code: 'metric_mismatch', detail, received: type, suggestion }];
  });
}
