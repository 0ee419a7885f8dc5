import type { Fault } from '../faults.ts';
import type { PatchOperation } from '../json-patch.ts';
import type { ActivationName } from '../layers/activations.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import type { TargetSignature } from './model-spec.ts';
import type { WalkedLayer } from './walk-layers.ts';

/** What the last layers make of a row, and which layers decide it. */
export interface OutputEnd {
  /** Last axis of the output, when known. */
  readonly width: number | null;
  readonly shape: Shape | null;
  readonly activation: ActivationName;
  /** The layer whose option sets the width, when nothing behind it changes it. */
  readonly widthLayer: WalkedLayer | null;
  readonly activationLayer: WalkedLayer | null;
}

/** Looks at the end of the network, or null when a layer there could not be made out. */
export function outputEnd(layers: readonly WalkedLayer[]): OutputEnd | null {
  const fromEnd = layers.toReversed();
  const widthLayer = fromEnd.find((layer) => layer.known?.definition.widthOption !== undefined) ?? null;
  // A layer that sets the width and has no activation, such as maxout, hides those before it.
  const decisive = fromEnd.find((layer) => activationOf(layer) !== null || layer === widthLayer) ?? null;
  const activationLayer = decisive && activationOf(decisive) !== null ? decisive : null;
  const lastNeeded = Math.min(...[widthLayer, decisive].map((layer) => (layer ? layers.indexOf(layer) : 0)));
  if (layers.length === 0 || layers.slice(lastNeeded).some((layer) => layer.known === null)) return null;
  const width = layers.at(-1)?.outputShape?.at(-1) ?? (widthLayer && declaredWidth(widthLayer));
  const sameWidth = widthLayer !== null && declaredWidth(widthLayer) === width;
  return {
    width,
    shape: layers.at(-1)?.outputShape ?? null,
    activation: (activationLayer && activationOf(activationLayer)) ?? 'linear',
    widthLayer: sameWidth ? widthLayer : null,
    activationLayer,
  };
}

/** Whether the network can answer with one vector per row, or with as many numbers as the target has. */
export function checkOutputRank(layers: readonly WalkedLayer[], target: TargetSignature): Fault[] {
  const last = layers.at(-1);
  if (!last?.outputShape || last.outputShape.length === 1) return [];
  if (target.kind === 'numbers' && sizeOf(last.outputShape) === target.outputs) return [];
  const sequence = layers.findLast(({ known }) => known?.options['return_sequences'] === true);
  if (sequence && last.outputShape.length === 2 && layers.slice(layers.indexOf(sequence)).every(keepsSteps))
    return [sequenceOutput(sequence, last)];
  const first = layers.find((layer) => layer.known?.definition.widthOption !== undefined && (layer.inputShape?.length ?? 0) > 1);
  const at = first ?? last;
  return [
    {
      pointer: at.pointer,
      code: 'missing_flatten',
      detail: first
        ? `${at.resolvedName} works on the last axis of ${formatShape(at.inputShape ?? [])} only, so the output has the shape ${formatShape(last.outputShape)}; the target needs one vector per row. Flatten the input of this layer.`
        : `The output has the shape ${formatShape(last.outputShape)}; the target needs one vector per row.`,
      expected: '[batch, n]',
      received: formatShape(last.outputShape),
      suggestion: [{ op: 'add', path: first ? at.pointer : '/layers/-', value: { type: 'flatten' } }],
    },
  ];
}

function keepsSteps({ inputShape, outputShape }: WalkedLayer): boolean {
  return inputShape?.[0] !== undefined && inputShape[0] === outputShape?.[0];
}

function sequenceOutput(sequence: WalkedLayer, last: WalkedLayer): Fault {
  const path = `${sequence.pointer}/return_sequences`;
  return {
    pointer: path,
    code: 'sequence_output',
    detail: `${sequence.resolvedName} gives one vector per step, so the output has the shape ${formatShape(last.outputShape ?? [])}; the target needs one vector per row.`,
    expected: false,
    received: true,
    suggestion: [{ op: 'replace', path, value: false }],
  };
}

/** What about the width and the activation of the output does not fit the target. */
export function checkTarget(end: OutputEnd, target: TargetSignature): Fault[] {
  const wanted = wantedEnd(end, target);
  // One number per step of a sequence: the rank was right, and the last axis is not what the target counts.
  if (target.kind === 'numbers' && end.shape && end.shape.length > 1 && sizeOf(end.shape) === target.outputs) {
    return activationFaults(end, wanted, `a target of ${target.outputs} numbers`);
  }
  const asked = target.kind === 'classes' ? `a target of ${target.classes} classes` : `a target of ${target.outputs} numbers`;
  if (end.widthLayer === null && end.width !== wanted.width) return [missingOutputLayer(end, wanted, asked)];
  return [...widthFaults(end, wanted, asked), ...activationFaults(end, wanted, asked)];
}

interface WantedEnd {
  readonly width: number;
  readonly activation: ActivationName;
  /** Whether the activation there is already good enough. */
  readonly activationFits: boolean;
}

function wantedEnd({ width, activation }: OutputEnd, target: TargetSignature): WantedEnd {
  if (target.kind === 'numbers') {
    const fits = activation !== 'softmax' && activation !== 'log_softmax';
    return { width: target.outputs, activation: 'linear', activationFits: fits };
  }
  // Two classes: the probability of the second one says all.
  if (target.classes === 2 && width === 1)
    return { width: 1, activation: 'sigmoid', activationFits: activation === 'sigmoid' || activation === 'step' };
  return { width: target.classes, activation: 'softmax', activationFits: activation === 'softmax' };
}

function widthFaults({ width, widthLayer }: OutputEnd, wanted: WantedEnd, asked: string): Fault[] {
  const option = widthLayer?.known?.definition.widthOption;
  if (!widthLayer || option === undefined || width === wanted.width) return [];
  const pointer = `${widthLayer.pointer}/${option}`;
  return [
    {
      pointer,
      code: 'target_mismatch',
      detail: `The output has ${width} units, ${asked} needs ${wanted.width}.`,
      expected: wanted.width,
      received: width,
      suggestion: [{ op: 'replace', path: pointer, value: wanted.width }],
    },
  ];
}

function activationFaults({ activation, activationLayer }: OutputEnd, wanted: WantedEnd, asked: string): Fault[] {
  if (wanted.activationFits) return [];
  const path = activationLayer ? `${activationLayer.pointer}/activation` : '/layers/-';
  const value = activationLayer ? wanted.activation : { type: 'activation', activation: wanted.activation };
  return [
    {
      pointer: activationLayer ? path : '/layers',
      code: wanted.activation === 'sigmoid' && activation === 'softmax' ? 'single_unit_softmax' : 'target_mismatch',
      detail: `The output ends in ${activation}, ${asked} needs ${wanted.activation}.`,
      expected: wanted.activation,
      received: activation,
      // `add` also replaces: the option may stand there or be left to its default.
      suggestion: [{ op: 'add', path, value } satisfies PatchOperation],
    },
  ];
}

function missingOutputLayer({ width }: OutputEnd, wanted: WantedEnd, asked: string): Fault {
  return {
    pointer: '/layers',
    code: 'target_mismatch',
    detail: `The output has ${width ?? 'an unknown number of'} values per row, ${asked} needs ${wanted.width}.`,
    expected: wanted.width,
    received: width,
    suggestion: [{ op: 'add', path: '/layers/-', value: { type: 'dense', units: wanted.width, activation: wanted.activation } }],
  };
}

function activationOf({ known }: WalkedLayer): ActivationName | null {
  return known?.definition.outputActivation?.(known.options) ?? null;
}

function declaredWidth({ known }: WalkedLayer): number | null {
  const option = known?.definition.widthOption;
  const width = option === undefined ? undefined : known?.options[option];
  return typeof width === 'number' ? width : null;
}
