/*
 * Checks a JSON value against a typebox schema and says everything that is wrong, each fault once, with a change that would
 * mend it. Strict: nothing is coerced, nothing is dropped. Objects and unions are walked here, so that a fault in one
 * branch of a union does not become a list of faults in all others; scalars are judged by typebox.
 */

import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import type { FaultCode } from './fault-codes.ts';
import type { Fault } from './faults.ts';
import type { PatchOperation } from './json-patch.ts';
import type { JsonObject, JsonSchema } from './json-schema.ts';
import { branchesOf, hasTypeOf, isObject, listedValues, pointerTo, readSchema } from './json-schema.ts';
import { nearest } from './nearest.ts';
import { receivedOf, wordsFor, wordsForPointer, wordsForValue } from './schema-words.ts';

/** Faults looked for in one object or list. */
const FAULTS_MAX = 100;

/** Every fault of a value, pointers below `pointer`; of very many the first hundred or so. A property with a default may be left out, required or not. */
export function checkSchema(schema: TSchema, value: unknown, pointer = ''): Fault[] {
  return check(readSchema(schema), value, pointer);
}

/** The value with its defaults, typed, or its faults. */
export function parseSchema<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  pointer = '',
): { readonly value: Static<Schema>; readonly faults: readonly [] } | { readonly value: null; readonly faults: readonly Fault[] } {
  const faults = checkSchema(schema, value, pointer);
  if (faults.length > 0) return { value: null, faults };
  return { value: withDefaults(schema, value) as Static<Schema>, faults: [] };
}

/** A copy with the defaults of absent properties filled in, at every depth. Nothing else changes. */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return fill(readSchema(schema), value);
}

function check(schema: JsonSchema, value: unknown, pointer: string): Fault[] {
  if (schema['x-checked-separately'] || isEmpty(schema)) return [];
  if (branchesOf(schema) && !listedValues(schema)) return checkUnion(schema, value, pointer);
  if (isObject(value) && schema.type === 'object') return checkObject(schema, value, pointer);
  if (Array.isArray(value) && schema.type === 'array') return checkList(schema, value, pointer);
  return checkScalar(schema, value, pointer);
}

/** A schema that allows anything. */
function isEmpty(schema: JsonSchema): boolean {
  for (const keyword in schema) if (keyword !== 'description') return false;
  return true;
}

function checkObject(schema: JsonSchema, value: JsonObject, pointer: string): Fault[] {
  const properties = schema.properties ?? {};
  const present = collectFaults(Object.entries(value), ([name, entry]) => {
    const below = pointerTo(pointer, name);
    const rule = ruleOf(schema, name);
    if (rule === false) return [unknownField({ properties, value, name, pointer })];
    const faults = check(rule, entry, below);
    // An optional property sent as null was meant to be left out.
    const optional = entry === null && !isRequired(schema, name);
    return optional ? faults.map((fault) => ({ ...fault, suggestion: [{ op: 'remove' as const, path: below }] })) : faults;
  });
  // A misspelt field is one fault, not also a missing one.
  const renamed = new Set(present.flatMap(({ suggestion }) => suggestion?.map(({ op, path }) => (op === 'add' ? path : '')) ?? []));
  const missing = Object.keys(properties)
    .filter((name) => isRequired(schema, name) && !Object.hasOwn(value, name) && !renamed.has(pointerTo(pointer, name)))
    .map((name) => missingField(properties[name] ?? {}, pointerTo(pointer, name)));
  const { properties: _properties, required: _required, additionalProperties: _additional, patternProperties: _pattern, ...outer } = schema;
  return [...missing, ...present, ...checkScalar(outer, value, pointer)];
}

function isRequired({ required, properties }: JsonSchema, name: string): boolean {
  return required?.includes(name) === true && properties?.[name]?.default === undefined;
}

/** The schema of a property, or false when there must be none. Objects are closed unless they say otherwise. */
function ruleOf(schema: JsonSchema, name: string): JsonSchema | false {
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name] ?? {};
  for (const [pattern, rule] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, 'u').test(name)) return rule;
  }
  return schema.additionalProperties === true ? {} : (schema.additionalProperties ?? false);
}

function checkList(schema: JsonSchema, value: readonly unknown[], pointer: string): Fault[] {
  const { items = {}, uniqueItems = false, ...outer } = schema;
  // Compared here: typebox reports every pair of equal items, which for a long list takes minutes.
  const repeats = uniqueItems && new Set(value.map((item) => JSON.stringify(item))).size < value.length;
  return [
    ...checkScalar(outer, value, pointer),
    ...(repeats ? [fault('duplicate_value', schema, value, pointer)] : []),
    ...collectFaults(value.entries(), ([i, item]) => check(items, item, pointerTo(pointer, i))),
  ];
}

/** Stops where nobody reads on: a body can hold a hundred thousand fields, all of them unknown. */
function collectFaults<Item>(items: Iterable<Item>, faultsOf: (item: Item) => Fault[]): Fault[] {
  const faults: Fault[] = [];
  for (const item of items) {
    for (const fault of faultsOf(item)) faults.push(fault);
    if (faults.length > FAULTS_MAX) break;
  }
  return faults;
}

function checkUnion(schema: JsonSchema, value: unknown, pointer: string): Fault[] {
  const branches = branchesOf(schema) ?? [];
  const fitting = branches.filter((branch) => hasTypeOf(branch, value));
  // A text that is not the word beside a number: a number was meant.
  const isNoWord = fitting.length > 0 && fitting.every((branch) => listedValues(branch)?.includes(value) === false);
  if (isNoWord && branches.some(({ type }) => type === 'number')) return [fault('wrong_type', schema, value, pointer)];
  const tag = tagOf(fitting);
  if (tag && isObject(value)) return checkTagged({ tag, branches: fitting, value, pointer });
  const attempts = fitting.map((branch) => check(branch, value, pointer)).sort((a, b) => a.length - b.length);
  return attempts[0] ?? [fault('wrong_type', schema, value, pointer)];
}

/** The property that tells the branches of a union of objects apart: each of them fixes its value. */
function tagOf(branches: readonly JsonSchema[]): string | undefined {
  if (branches.length < 2) return undefined;
  const names = Object.keys(branches[0]?.properties ?? {});
  return names.find(
    (name) =>
      new Set(branches.map((branch) => branch.properties?.[name]?.const).filter((value) => value !== undefined)).size === branches.length,
  );
}

interface TaggedCheck {
  readonly tag: string;
  readonly branches: readonly JsonSchema[];
  readonly value: JsonObject;
  readonly pointer: string;
}

function checkTagged({ tag, branches, value, pointer }: TaggedCheck): Fault[] {
  const tags: JsonSchema = { enum: branches.map((branch) => branch.properties?.[tag]?.const) };
  const below = pointerTo(pointer, tag);
  if (!Object.hasOwn(value, tag)) return [missingField(tags, below)];
  const branch = branches.find((candidate) => candidate.properties?.[tag]?.const === value[tag]);
  return branch ? check(branch, value, pointer) : [fault('not_one_of', tags, value[tag], below)];
}

function checkScalar(schema: JsonSchema, value: unknown, pointer: string): Fault[] {
  if (typeof value === 'number' && isPlainNumber(schema, value)) return [];
  const errors = Errors(schema as TSchema, value);
  if (errors.length === 0) return [];
  if (!hasTypeOf(schema, value)) return [fault('wrong_type', schema, value, pointer)];
  return [fault(KEYWORD_CODES.get(errors[0]!.keyword) ?? 'not_one_of', schema, value, pointer)];
}

/** Whether a number is right without asking typebox, which takes microseconds: predictions come as lists of very many numbers. */
function isPlainNumber(schema: JsonSchema, value: number): boolean {
  if (schema.type !== 'number' && schema.type !== 'integer') return false;
  if (schema.multipleOf !== undefined || listedValues(schema)) return false;
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  const within = value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
  return within && hasTypeOf(schema, value);
}

/** Keywords that are neither about the type nor a list of values. */
const KEYWORD_CODES: ReadonlyMap<string, FaultCode> = new Map([
  ['minimum', 'out_of_range'],
  ['maximum', 'out_of_range'],
  ['exclusiveMinimum', 'out_of_range'],
  ['exclusiveMaximum', 'out_of_range'],
  ['multipleOf', 'out_of_range'],
  ['minLength', 'wrong_length'],
  ['maxLength', 'wrong_length'],
  ['minItems', 'wrong_length'],
  ['maxItems', 'wrong_length'],
  ['minProperties', 'wrong_length'],
  ['maxProperties', 'wrong_length'],
  ['pattern', 'wrong_format'],
  ['format', 'wrong_format'],
]);

function fault(code: FaultCode, schema: JsonSchema, value: unknown, pointer: string): Fault {
  const expected = wordsFor(schema);
  const mended = mendings(schema, value).find((candidate) => Check(schema as TSchema, candidate));
  return {
    pointer,
    code,
    detail: `${wordsForPointer(pointer)} must be ${expected}, received ${wordsForValue(value)}.`,
    expected: listedValues(schema) ?? expected,
    received: receivedOf(value),
    ...(mended !== undefined && { suggestion: [{ op: 'replace' as const, path: pointer, value: mended }] }),
  };
}

function missingField(schema: JsonSchema, pointer: string): Fault {
  const expected = wordsFor(schema);
  const listed = listedValues(schema);
  return {
    pointer,
    code: 'missing_field',
    detail: `${wordsForPointer(pointer)} is missing: it must be ${expected}.`,
    expected: listed ?? expected,
    ...(listed?.length === 1 && { suggestion: [{ op: 'add' as const, path: pointer, value: listed[0] }] }),
  };
}

interface UnknownField {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly value: JsonObject;
  readonly name: string;
  readonly pointer: string;
}

function unknownField({ properties, value, name, pointer }: UnknownField): Fault {
  const known = Object.keys(properties);
  const meant = nearest(
    name,
    known.filter((candidate) => !Object.hasOwn(value, candidate)),
  );
  const path = pointerTo(pointer, name);
  const removal: PatchOperation = { op: 'remove', path };
  const hint = meant === undefined ? `Known fields are ${known.join(', ') || 'none'}.` : `Did you mean ${JSON.stringify(meant)}?`;
  return {
    pointer: path,
    code: 'unknown_field',
    detail: `${JSON.stringify(wordsForPointer(path))} is not a known field. ${hint}`,
    expected: known,
    received: receivedOf(value[name]),
    suggestion: meant === undefined ? [removal] : [removal, { op: 'add', path: pointerTo(pointer, meant), value: value[name] }],
  };
}

/** Values the user may have meant, likeliest first; those the schema refuses are passed over. */
function mendings(schema: JsonSchema, value: unknown): unknown[] {
  switch (typeof value) {
    case 'string':
      return mendString(schema, value);
    case 'number':
      return mendNumber(schema, value);
    case 'boolean':
      return [String(value)];
    default:
      return [];
  }
}

function mendNumber({ minimum = -Infinity, maximum = Infinity }: JsonSchema, value: number): unknown[] {
  if (!Number.isFinite(value)) return [];
  const clamped = Math.min(Math.max(value, minimum), maximum);
  // Adding 0 turns a rounded -0.2 into plain 0.
  return [Math.round(value) + 0, Math.abs(value), clamped, String(value), [value]].filter((candidate) => candidate !== value);
}

function mendString(schema: JsonSchema, value: string): unknown[] {
  const texts = (listedValues(schema) ?? []).filter((allowed) => typeof allowed === 'string');
  const number = value.trim() === '' ? Number.NaN : Number(value);
  const truth = new Map<string, boolean>([
    ['true', true],
    ['false', false],
  ]).get(value.trim().toLowerCase());
  return [number, truth, nearest(value, texts), [value]].filter((candidate) => candidate !== undefined);
}

function fill(schema: JsonSchema, value: unknown): unknown {
  if (schema['x-checked-separately']) return value;
  const branches = branchesOf(schema);
  if (branches) {
    const branch = branches.find((candidate) => check(candidate, value, '').length === 0);
    return branch ? fill(branch, value) : value;
  }
  if (Array.isArray(value) && schema.type === 'array') return value.map((item) => fill(schema.items ?? {}, item));
  if (!isObject(value) || schema.type !== 'object') return value;
  const declared = Object.entries(schema.properties ?? {}).flatMap(([name, rule]): [string, unknown][] => {
    if (Object.hasOwn(value, name)) return [[name, fill(rule, value[name])]];
    return rule.default === undefined ? [] : [[name, fill(rule, structuredClone(rule.default))]];
  });
  const others = Object.entries(value)
    .filter(([name]) => !Object.hasOwn(schema.properties ?? {}, name))
    .map(([name, entry]): [string, unknown] => [name, fill(ruleOf(schema, name) || {}, entry)]);
  return Object.fromEntries([...declared, ...others]);
}
