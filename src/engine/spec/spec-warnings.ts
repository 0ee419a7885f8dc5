import type { Fault } from '../faults.ts';
import { formatShape } from '../shape.ts';
import { targetsOf } from './check-ends.ts';
import type { SpecForm } from './check-layer.ts';
import type { OutputEnd } from './check-target.ts';
import type { DataSignature, TargetSignature } from './model-spec.ts';
import type { NetworkEnd } from './network-ends.ts';
import type { WalkedLayer } from './walk-layers.ts';

/** Activations that cannot leave a range, so cannot reach all standardised numbers. */
const BOUNDED: ReadonlySet<string> = new Set(['sigmoid', 'hard_sigmoid', 'tanh', 'softsign', 'relu', 'softplus', 'exponential', 'step']);

interface Warned {
  readonly layers: readonly WalkedLayer[];
  readonly ends: readonly NetworkEnd[];
  readonly form: SpecForm;
  readonly data?: DataSignature;
}

/** What is legal and yet most likely not meant. */
export function specWarnings({ layers, ends, form, data }: Warned): Fault[] {
  const chains = ends.map(({ chain }) => chain);
  return [
    ...constantKernels(layers),
    ...lostMasks(layers),
    ...chains.flatMap((chain) =>
      form === 'sequential' ? lateDropout(chain) : lateDropout(chain).map(({ suggestion: _suggestion, ...fault }) => fault),
    ),
    ...chains.flatMap(linearStacks),
    ...(data ? ends.flatMap(({ end }, i) => boundedNumbers(end, targetsOf(data)[i])) : unflattenedImages(layers, form)),
  ];
}

function constantKernels(layers: readonly WalkedLayer[]): Fault[] {
  const weighted = layers.filter((layer) => layer.weights.length > 0);
  // A single layer is a linear model: its units differ by their targets, and zero is a fair start.
  if (weighted.length < 2) return [];
  return weighted.flatMap((layer) =>
    layer.weights
      .filter(
        ({ name, initializer, trainable }) => trainable && name.endsWith('kernel') && (initializer === 'zeros' || initializer === 'ones'),
      )
      .map(({ name, initializer }) => {
        const path = `${layer.pointer}/${name}_initializer`;
        return {
          pointer: path,
          code: 'zero_kernel',
          detail: `With ${initializer} all units of ${layer.resolvedName} get the same gradient and stay the same.`,
          received: initializer,
          suggestion: [{ op: 'replace' as const, path, value: 'glorot_uniform' }],
        };
      }),
  );
}

/** As in Keras, where such a layer warns that it destroys the mask. */
function lostMasks(layers: readonly WalkedLayer[]): Fault[] {
  return layers
    .filter(({ losesMask }) => losesMask)
    .map(({ pointer, resolvedName }) => ({
      pointer,
      code: 'mask_lost',
      detail: `${resolvedName} takes no notice of a mask: from here on the padding of a sequence counts like its other steps.`,
    }));
}

function lateDropout(layers: readonly WalkedLayer[]): Fault[] {
  const lastWeighted = layers.findLastIndex((layer) => layer.weights.length > 0);
  return layers
    .filter((layer, position) => lastWeighted >= 0 && position > lastWeighted && layer.known?.definition.type === 'dropout')
    .map(({ pointer }) => ({
      pointer,
      code: 'dropout_at_output',
      detail: 'Dropout after the last layer with weights sets predictions to 0 while training.',
      suggestion: [{ op: 'remove' as const, path: pointer }],
    }));
}

function linearStacks(layers: readonly WalkedLayer[]): Fault[] {
  return layers.flatMap((layer, i) => {
    const linear = isDense(layer) && layer.known?.options['activation'] === 'linear';
    const next = layers[i + 1];
    if (!linear || !next || !isDense(next)) return [];
    const path = `${layer.pointer}/activation`;
    const detail = `${layer.resolvedName} and ${next.resolvedName} have no activation between them: together they are one linear layer.`;
    return [{ pointer: path, code: 'stacked_linear_layers', detail, suggestion: [{ op: 'add' as const, path, value: 'relu' }] }];
  });
}

function isDense({ known }: WalkedLayer): boolean {
  return known?.definition.type === 'dense';
}

function boundedNumbers(end: OutputEnd | null, target: TargetSignature | undefined): Fault[] {
  if (!end?.activationLayer || target?.kind !== 'numbers' || !BOUNDED.has(end.activation)) return [];
  const path = `${end.activationLayer.pointer}/activation`;
  return [
    {
      pointer: path,
      code: 'bounded_output',
      detail: `Numeric targets are standardised, so they also lie where ${end.activation} never gets.`,
      expected: 'linear',
      received: end.activation,
      suggestion: [{ op: 'replace', path, value: 'linear' }],
    },
  ];
}

/** Without a target nobody can say which output is wanted; but a dense layer on an image hardly ever is. */
function unflattenedImages(layers: readonly WalkedLayer[], form: SpecForm): Fault[] {
  const first = layers.find((layer) => isDense(layer) && (layer.inputShape?.length ?? 0) >= 3);
  if (!first) return [];
  return [
    {
      pointer: first.pointer,
      code: 'missing_flatten',
      detail: `${first.resolvedName} works on the last axis of ${formatShape(first.inputShape ?? [])} only; flatten the image first if all pixels belong together.`,
      ...(form === 'sequential' && { suggestion: [{ op: 'add', path: first.pointer, value: { type: 'flatten' } }] }),
    },
  ];
}
