/*
 * The check of a network before anything is stored, queued or allocated: structure and meaning in one reply. It goes on past
 * faulty layers with what was probably meant, so that one round trip shows everything.
 */

import type { Fault } from '../faults.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { checkSchema } from '../schema.ts';
import { checkEnds } from './check-ends.ts';
import { type CheckedInputs, checkInputs, FORMS } from './check-inputs.ts';
import { type CheckedLayer, checkLayer, type SpecForm } from './check-layer.ts';
import { checkLayerCount } from './check-limits.ts';
import type { DataSignature, InputSpec, ModelSpec, SpecLimits, SpecReport } from './model-spec.ts';
import { nameLayers } from './name-layers.ts';
import { networkEnds } from './network-ends.ts';
import { receptiveFields } from './receptive-field.ts';
import { specWarnings } from './spec-warnings.ts';
import { type Walk, type WalkedLayer, walkLayers } from './walk-layers.ts';
import { type Wiring, wireLayers } from './wiring.ts';

export interface SpecCheck {
  readonly spec: unknown;
  /** Without it shapes start from the spec's own `input_shape`, and nothing is said about the output. */
  readonly data?: DataSignature;
  readonly limits: SpecLimits;
}

/** Everything wrong with a spec and everything known about it. */
export function checkSpec({ spec, data, limits }: SpecCheck): SpecReport {
  const fields: JsonObject = isObject(spec) ? spec : {};
  const form: SpecForm = Object.hasOwn(fields, 'inputs') || Object.hasOwn(fields, 'outputs') ? 'functional' : 'sequential';
  const outerFaults = checkSchema(FORMS[form], spec);
  const posted = Array.isArray(fields['layers']) ? fields['layers'] : [];
  const countFaults = checkLayerCount(posted.length, limits);
  const checked = posted.slice(0, limits.layersMax).map((layer, i) => checkLayer(layer, `/layers/${i}`, form));
  const given = checkInputs({ spec: fields, form, data, limits });
  const { names, faults: nameFaults } = nameLayers(checked, inputNames(form, given));
  const wiring = wireSpec({ form, given, checked, names, outputs: fields['outputs'] });
  const walk = walkLayers({ layers: checked, names, inputs: given.inputs, wiring, limits });
  const ends = networkEnds(walk, wiring);

  const layerFaults = checked.flatMap((layer) => layer.faults);
  const own = [...outerFaults, ...given.faults, ...countFaults, ...layerFaults, ...nameFaults, ...wiring.faults, ...walk.faults];
  const complete = walk.layers.length > 0 && countFaults.length === 0;
  const fit = data && complete ? checkEnds({ ends, data, form, layerCount: posted.length }) : [];
  const faults = mergeFaults(own, [...fit, ...(complete ? weightFaults(walk) : [])]);
  const layers = receptiveFields(walk.layers, wiring);
  const outputs = ends.map(({ name, end, shape }) => (shape && end ? { name, shape, activation: end.activation } : null));
  return {
    faults,
    warnings: specWarnings({ layers, ends, form, ...(data && { data }) }),
    layers: layers.flatMap(({ report }) => report ?? []),
    total_params: walk.totalParams,
    spec: faults.length === 0 ? normalised(form, { layers, given, outputs: fields['outputs'] }) : null,
    output: outputs[0] ?? null,
    outputs: outputs.every((output) => output !== null) ? outputs : [],
  };
}

function inputNames(form: SpecForm, { inputs }: CheckedInputs): string[] {
  return form === 'functional' ? inputs.flatMap((input) => input?.name ?? []) : [];
}

interface WireRequest {
  readonly form: SpecForm;
  readonly given: CheckedInputs;
  readonly checked: readonly CheckedLayer[];
  readonly names: readonly string[];
  readonly outputs: unknown;
}

function wireSpec({ form, given, checked, names, outputs }: WireRequest): Wiring {
  const layers = checked.map(({ inbound }, i) => ({ name: names[i]!, inbound }));
  if (form === 'sequential') return wireLayers({ inputNames: null, layers, outputs: null });
  // An input that could not be read keeps its position, and no layer can mean it.
  const named = given.inputs.map((input, i) => input?.name ?? `/inputs/${i}`);
  return wireLayers({ inputNames: named, layers, outputs: readNames(outputs) });
}

function readNames(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : null;
}

function weightFaults({ layers }: Walk): Fault[] {
  const unknown = layers.some((layer) => layer.known === null || layer.outputShape === null);
  if (unknown || layers.some(learns)) return [];
  return [
    { pointer: '/layers', code: 'no_trainable_weights', detail: 'No layer has weights that may change, so there is nothing to learn.' },
  ];
}

function learns({ known, weights }: WalkedLayer): boolean {
  return known?.options['trainable'] !== false && weights.some((weight) => weight.trainable);
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

interface Normalisation {
  readonly layers: readonly WalkedLayer[];
  readonly given: CheckedInputs;
  readonly outputs: unknown;
}

function normalised(form: SpecForm, { layers, given, outputs }: Normalisation): ModelSpec {
  const filled = layers.map(({ known, resolvedName, inbound }) => {
    const { type, name: _name, ...options } = known!.options;
    return { type: String(type), name: resolvedName, ...options, ...(inbound && { inbound }) };
  });
  const inputs = given.inputs.filter((input): input is InputSpec => input !== null);
  if (form === 'functional') return { inputs, layers: filled, outputs: readNames(outputs) ?? [] };
  const [input] = inputs;
  return { ...(input && { input_shape: input.shape, ...(input.dtype && { input_dtype: input.dtype }) }), layers: filled };
}
