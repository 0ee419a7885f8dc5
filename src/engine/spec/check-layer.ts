import Type from 'typebox';
import type { Fault } from '../faults.ts';
import { faultsBelow } from '../faults.ts';
import type { PatchOperation } from '../json-patch.ts';
import { applyPatch } from '../json-patch.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { LAYERS, layerOf } from '../layers/index.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import { layerSchema } from '../layers/layer-schema.ts';
import { nearest } from '../nearest.ts';
import { checkSchema, withDefaults } from '../schema.ts';
import { receivedOf, wordsForValue } from '../schema-words.ts';
import type { Inbound } from './wiring.ts';

/** A layer after the check of its own fields. */
export interface CheckedLayer {
  /** Pointer to the layer inside the spec. */
  readonly pointer: string;
  readonly faults: readonly Fault[];
  /** The name it was given, if that can be used. */
  readonly name: string | null;
  /** What feeds it, in the functional form, if that can be read. */
  readonly inbound: Inbound | null;
  /** What it is, as far as that can be told. */
  readonly known: KnownLayer | null;
}

export interface KnownLayer {
  readonly definition: LayerDefinition;
  /** All fields with their defaults. Where a field was wrong this holds what was probably meant, so that the check can go on. */
  readonly options: JsonObject;
}

/** Whether layers feed each other in order or say by `inbound` what feeds them. */
export type SpecForm = 'sequential' | 'functional';

/** Each use of a layer costs as much as another layer. */
const USES_MAX = 64;
const REFERENCES = Type.Array(Type.String(), { minItems: 1, maxItems: USES_MAX });

export const INBOUND = Type.Union([REFERENCES, Type.Array(REFERENCES, { minItems: 1, maxItems: USES_MAX })], {
  description: 'Names of the inputs and layers that feed this one; a list of such lists uses the layer several times.',
});

/** Of a layer with more faults nothing is guessed: each repair copies it, and a layer can have very many unknown fields. */
const REPAIRS_MAX = 20;

/** Checks the fields of one layer. Never stops at a fault: what can be guessed is guessed, so that later layers get a shape. */
export function checkLayer(layer: unknown, pointer: string, form: SpecForm): CheckedLayer {
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
  if (definition) return checkFields(definition, { layer, pointer, form });

  const fault = unknownLayer(layer['type']);
  const [repair] = fault.suggestion ?? [];
  const meant = repair?.op === 'replace' ? layerOf(repair.value) : undefined;
  if (!meant) return unusable(pointer, fault);
  const { faults, ...checked } = checkFields(meant, { layer: { ...layer, type: meant.type }, pointer, form });
  return { ...checked, faults: [...faultsBelow(pointer, [fault]), ...faults] };
}

interface PostedLayer {
  readonly layer: JsonObject;
  readonly pointer: string;
  readonly form: SpecForm;
}

function checkFields(definition: LayerDefinition, { layer, pointer, form }: PostedLayer): CheckedLayer {
  const { inbound, ...fields } = layer;
  const wrongInbound = inboundFaults(layer, form);
  const schema = layerSchema(definition);
  const faults = checkSchema(schema, fields);
  const repairs = faults.length > REPAIRS_MAX ? [] : faults;
  const mended = repairs.reduce<unknown>((value, fault) => applyPatch(value, repairOf(fault)), fields);
  const usable = checkSchema(schema, mended).length === 0;
  const options = usable ? withDefaults(schema, mended) : null;
  const name = isObject(options) ? options['name'] : fields['name'];
  return {
    pointer,
    faults: faultsBelow(pointer, [...wrongInbound, ...faults]),
    name: typeof name === 'string' ? name : null,
    inbound: form === 'functional' && wrongInbound.length === 0 ? (inbound as Inbound) : null,
    known: isObject(options) ? { definition, options } : null,
  };
}

/** What the check assumes in place of a faulty field: the suggestion, or its default. */
function repairOf(fault: Fault): readonly PatchOperation[] {
  if (fault.suggestion) return fault.suggestion;
  return fault.code === 'missing_field' ? [] : [{ op: 'remove', path: fault.pointer }];
}

function inboundFaults(layer: JsonObject, form: SpecForm): Fault[] {
  const present = Object.hasOwn(layer, 'inbound');
  if (form === 'functional' && present) return checkSchema(INBOUND, layer['inbound'], '/inbound');
  if (form === 'functional') {
    const detail = 'inbound is missing: it must name the inputs or layers that feed this one.';
    return [{ pointer: '/inbound', code: 'missing_field', detail, expected: 'a list of names' }];
  }
  if (!present) return [];
  const detail = 'Only in a network with inputs and outputs does a layer say what feeds it; here each layer feeds the next.';
  return [{ pointer: '/inbound', code: 'unknown_field', detail, suggestion: [{ op: 'remove', path: '/inbound' }] }];
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
  return { pointer, faults: faultsBelow(pointer, [fault]), name: null, inbound: null, known: null };
}
