/*
 * The check of a network before anything is stored, queued or allocated: structure and meaning in one reply. It goes on past
 * faulty layers with what was probably meant, so that one round trip shows everything.
 */

import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { checkSchema } from '../schema.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import { checkLayer, FUNCTIONAL_DETAIL } from './check-layer.ts';
import { checkLayerCount, checkRowSize } from './check-limits.ts';
import { checkOutputRank, checkTarget, type OutputEnd, outputEnd } from './check-target.ts';
import type { DataSignature, ModelSpec, SpecLimits, SpecReport } from './model-spec.ts';
import { nameLayers } from './name-layers.ts';
import { specWarnings } from './spec-warnings.ts';
import { type Walk, type WalkedLayer, walkLayers } from './walk-layers.ts';

export interface SpecCheck {
  readonly spec: unknown;
  /** Without it shapes start from the spec's own `input_shape`, and nothing is said about the output. */
  readonly data?: DataSignature;
  readonly limits: SpecLimits;
}

const AXES_MAX = 8;
const AXIS_MAX = 2 ** 31 - 1;

export const INPUT_SHAPE = Type.Array(Type.Integer({ minimum: 1, maximum: AXIS_MAX }), {
  minItems: 1,
  maxItems: AXES_MAX,
  description: 'Axes of one row, channels last. Without it the row of the dataset as it is.',
});

/** Layers are checked one by one, with their own schemas. */
const OUTER = Type.Object({
  input_shape: Type.Optional(INPUT_SHAPE),
  layers: Type.Array(Type.Unknown(), { minItems: 1 }),
});

/** Everything wrong with a spec and everything known about it. */
export function checkSpec({ spec, data, limits }: SpecCheck): SpecReport {
  const fields = isObject(spec) ? withoutFunctionalForm(spec) : spec;
  const outerFaults = [...functionalFaults(spec), ...checkSchema(OUTER, fields)];
  const posted = isObject(fields) && Array.isArray(fields['layers']) ? fields['layers'] : [];
  const countFaults = checkLayerCount(posted.length, limits);
  const checked = posted.slice(0, limits.layersMax).map((layer, i) => checkLayer(layer, `/layers/${i}`));
  const { names, faults: nameFaults } = nameLayers(checked);
  const input = inputOf(isObject(fields) ? fields : {}, data, limits);
  const walk = walkLayers({ layers: checked, names, inputShape: input.shape, limits });
  const end = outputEnd(walk.layers);

  const own = [...outerFaults, ...input.faults, ...countFaults, ...checked.flatMap((layer) => layer.faults), ...nameFaults, ...walk.faults];
  const complete = walk.layers.length > 0 && countFaults.length === 0;
  const fit = data && complete ? fitFaults(walk.layers, end, data) : [];
  const faults = mergeFaults(own, [...fit, ...(complete ? weightFaults(walk) : [])]);
  return {
    faults,
    warnings: specWarnings(walk.layers, end, data?.target),
    layers: walk.layers.flatMap(({ report }) => report ?? []),
    total_params: walk.totalParams,
    spec: faults.length === 0 ? normalised(walk.layers, input.shape) : null,
    output: outputOf(walk, end),
  };
}

function functionalFaults(spec: unknown): Fault[] {
  if (!isObject(spec)) return [];
  return ['inputs', 'outputs']
    .filter((field) => Object.hasOwn(spec, field))
    .map((field) => ({
      pointer: `/${field}`,
      code: 'unknown_field',
      detail: FUNCTIONAL_DETAIL,
      suggestion: [{ op: 'remove' as const, path: `/${field}` }],
    }));
}

function withoutFunctionalForm({ inputs: _inputs, outputs: _outputs, ...fields }: JsonObject): JsonObject {
  return fields;
}

/** The shape the first layer gets, and whether the data can fill it. */
function inputOf(spec: JsonObject, data: DataSignature | undefined, limits: SpecLimits): { shape: Shape | null; faults: Fault[] } {
  const shape = Object.hasOwn(spec, 'input_shape') ? readShape(spec['input_shape']) : null;
  if (!shape) return { shape: data ? [data.features] : null, faults: [] };
  const tooLarge = checkRowSize('/input_shape', shape, limits);
  if (tooLarge) return { shape: null, faults: [tooLarge] };
  if (!data || sizeOf(shape) === data.features) return { shape, faults: [] };
  const fault: Fault = {
    pointer: '/input_shape',
    code: 'input_mismatch',
    detail: `${formatShape(shape)} holds ${sizeOf(shape)} values per row, the dataset has ${data.features} features after encoding.`,
    expected: data.features,
    received: sizeOf(shape),
    ...(shape.length === 1 && { suggestion: [{ op: 'replace', path: '/input_shape', value: [data.features] }] }),
  };
  return { shape: shape.length === 1 ? [data.features] : shape, faults: [fault] };
}

function readShape(value: unknown): Shape | null {
  return Array.isArray(value) && checkSchema(INPUT_SHAPE, value).length === 0 ? value.map(Number) : null;
}

function fitFaults(layers: readonly WalkedLayer[], end: OutputEnd | null, { target }: DataSignature): Fault[] {
  return [...checkOutputRank(layers), ...(end ? checkTarget(end, target) : [])];
}

function weightFaults({ layers }: Walk): Fault[] {
  const unknown = layers.some((layer) => layer.known === null || layer.outputShape === null);
  if (unknown || layers.some((layer) => layer.weights.some((weight) => weight.trainable))) return [];
  return [{ pointer: '/layers', code: 'no_trainable_weights', detail: 'No layer has weights, so there is nothing to learn.' }];
}

/** One fault per place: when a field is wrong in itself and would also not fit the target, the suggestion is the value that fits. */
function mergeFaults(own: readonly Fault[], fit: readonly Fault[]): Fault[] {
  const byPointer = new Map(fit.map((fault) => [fault.pointer, fault]));
  const merged = own.map((fault) => {
    const suggestion = fault.code === 'unknown_field' ? undefined : byPointer.get(fault.pointer)?.suggestion;
    return suggestion ? { ...fault, suggestion } : fault;
  });
  const taken = new Set(own.map((fault) => fault.pointer));
  return [...merged, ...fit.filter((fault) => !taken.has(fault.pointer))];
}

function normalised(layers: readonly WalkedLayer[], inputShape: Shape | null): ModelSpec {
  return {
    ...(inputShape && { input_shape: inputShape }),
    layers: layers.map(({ known, resolvedName }) => {
      const { type, name: _name, ...options } = known!.options;
      return { type: String(type), name: resolvedName, ...options };
    }),
  };
}

function outputOf({ layers }: Walk, end: OutputEnd | null): SpecReport['output'] {
  const shape = layers.at(-1)?.outputShape;
  return shape && end ? { shape, activation: end.activation } : null;
}
