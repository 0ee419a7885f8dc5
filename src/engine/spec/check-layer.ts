import type { Fault } from '../faults.ts';
import { faultsBelow } from '../faults.ts';
import type { PatchOperation } from '../json-patch.ts';
import { applyPatch } from '../json-patch.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { LAYERS, layerOf } from '../layers/index.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import { nearest } from '../nearest.ts';
import { checkSchema, withDefaults } from '../schema.ts';
import { receivedOf, wordsForValue } from '../schema-words.ts';
import { layerSchema } from './layer-schema.ts';

/** A layer after the check of its own fields. */
export interface CheckedLayer {
  /** Pointer to the layer inside the spec. */
  readonly pointer: string;
  readonly faults: readonly Fault[];
  /** The name it was given, if that can be used. */
  readonly name: string | null;
  /** What it is, as far as that can be told. */
  readonly known: KnownLayer | null;
}

export interface KnownLayer {
  readonly definition: LayerDefinition;
  /** All fields with their defaults. Where a field was wrong this holds what was probably meant, so that the check can go on. */
  readonly options: JsonObject;
}

/** Of a layer with more faults nothing is guessed: each repair copies it, and a layer can have very many unknown fields. */
const REPAIRS_MAX = 20;

/** The sentence for fields of the functional form. */
export const FUNCTIONAL_DETAIL = 'Functional graphs are not part of this version: give input_shape and a plain list of layers.';

/** Checks the fields of one layer. Never stops at a fault: what can be guessed is guessed, so that later layers get a shape. */
export function checkLayer(layer: unknown, pointer: string): CheckedLayer {
  if (!isObject(layer)) return unusable(pointer, wrongLayer(layer, 'an object with a type'));
  if (!Object.hasOwn(layer, 'type')) {
    const fault = {
      pointer: '/type',
      code: 'missing_field',
      detail: 'type is missing: it must name a layer.',
      expected: Object.keys(LAYERS),
    };
    return unusable(pointer, fault);
  }
  const definition = layerOf(layer['type']);
  if (definition) return checkFields(definition, layer, pointer);

  const fault = unknownLayer(layer['type']);
  const [repair] = fault.suggestion ?? [];
  const meant = repair?.op === 'replace' ? layerOf(repair.value) : undefined;
  if (!meant) return unusable(pointer, fault);
  const { faults, ...checked } = checkFields(meant, { ...layer, type: meant.type }, pointer);
  return { ...checked, faults: [...faultsBelow(pointer, [fault]), ...faults] };
}

function checkFields(definition: LayerDefinition, layer: JsonObject, pointer: string): CheckedLayer {
  const { inbound: _inbound, ...fields } = layer;
  const schema = layerSchema(definition);
  const faults = checkSchema(schema, fields);
  const repairs = faults.length > REPAIRS_MAX ? [] : faults;
  const mended = repairs.reduce<unknown>((value, fault) => applyPatch(value, repairOf(fault)), fields);
  const usable = checkSchema(schema, mended).length === 0;
  const options = usable ? withDefaults(schema, mended) : null;
  const name = isObject(options) ? options['name'] : fields['name'];
  return {
    pointer,
    faults: faultsBelow(pointer, [...inboundFaults(layer), ...faults]),
    name: typeof name === 'string' ? name : null,
    known: isObject(options) ? { definition, options } : null,
  };
}

/** What the check assumes in place of a faulty field: the suggestion, or its default. */
function repairOf(fault: Fault): readonly PatchOperation[] {
  if (fault.suggestion) return fault.suggestion;
  return fault.code === 'missing_field' ? [] : [{ op: 'remove', path: fault.pointer }];
}

function inboundFaults(layer: JsonObject): Fault[] {
  if (!Object.hasOwn(layer, 'inbound')) return [];
  return [{ pointer: '/inbound', code: 'unknown_field', detail: FUNCTIONAL_DETAIL, suggestion: [{ op: 'remove', path: '/inbound' }] }];
}

function unknownLayer(type: unknown): Fault {
  if (typeof type !== 'string') return { ...wrongLayer(type, 'the name of a layer'), pointer: '/type' };
  const meant = nearest(type, Object.keys(LAYERS));
  const hint = meant === undefined ? `Layers are ${Object.keys(LAYERS).join(', ')}.` : `Did you mean ${JSON.stringify(meant)}?`;
  return {
    pointer: '/type',
    code: 'unknown_layer',
    detail: `There is no layer ${wordsForValue(type)}. ${hint}`,
    expected: Object.keys(LAYERS),
    received: receivedOf(type),
    ...(meant !== undefined && { suggestion: [{ op: 'replace', path: '/type', value: meant }] }),
  };
}

function wrongLayer(value: unknown, expected: string): Fault {
  const detail = `A layer must be ${expected}, received ${wordsForValue(value)}.`;
  return { pointer: '', code: 'wrong_type', detail, expected, received: receivedOf(value) };
}

function unusable(pointer: string, fault: Fault): CheckedLayer {
  return { pointer, faults: faultsBelow(pointer, [fault]), name: null, known: null };
}
