import type { JsonSchema } from './json-schema.ts';
import { branchesOf, listedValues } from './json-schema.ts';

const TEXT_MAX = 80;

/** What a schema asks for, as the middle of a sentence: `an integer of at least 1`. */
export function wordsFor(schema: JsonSchema): string {
  const listed = listedValues(schema);
  if (listed) return listed.length === 1 ? JSON.stringify(listed[0]) : `one of ${listed.map((value) => JSON.stringify(value)).join(', ')}`;
  const branches = branchesOf(schema);
  if (branches) return [...new Set(branches.map(wordsFor))].join(' or ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => wordsFor({ type })).join(' or ');
  switch (schema.type) {
    case 'integer':
      return `an integer${rangeOf(schema)}`;
    case 'number':
      return `a number${rangeOf(schema)}`;
    case 'string':
      return `a string${stringRule(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${lengthOf(schema.minItems, schema.maxItems, 'items')}${schema.uniqueItems ? ' without repeats' : ''}`;
    case 'object':
      return `an object${lengthOf(schema.minProperties, schema.maxProperties, 'fields')}`;
    default:
      return 'another value';
  }
}

/** What came, as the end of a sentence. */
export function wordsForValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value);
}

/** What came, for `received`: scalars as they are, containers by name, so that a fault stays small. */
export function receivedOf(value: unknown): unknown {
  if (typeof value === 'string') return shorten(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'object' && value !== null ? wordsForValue(value) : value;
}

/** The thing a pointer points at: `units`, `item 2 of input_shape`. */
export function wordsForPointer(pointer: string): string {
  const [last, parent] = pointer
    .split('/')
    .slice(1)
    .reverse()
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (last === undefined) return 'the value';
  return /^\d+$/.test(last) ? `item ${last} of ${parent ?? 'the list'}` : shorten(last);
}

function shorten(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const lower = minimum === undefined ? boundWords('above', exclusiveMinimum) : `of at least ${minimum}`;
  const upper = maximum === undefined ? boundWords('below', exclusiveMaximum) : `of at most ${maximum}`;
  const words = [lower, upper].filter((text) => text !== '').join(' and ');
  return words && ` ${words}`;
}

function boundWords(word: string, bound: number | undefined): string {
  return bound === undefined ? '' : `${word} ${bound}`;
}

function stringRule({ pattern, minLength, maxLength }: JsonSchema): string {
  return pattern === undefined ? lengthOf(minLength, maxLength, 'characters') : ` that matches ${pattern}`;
}

function lengthOf(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && max !== undefined) return ` of ${min} to ${max} ${unit}`;
  if (min !== undefined) return ` of at least ${min} ${unit}`;
  return max === undefined ? '' : ` of at most ${max} ${unit}`;
}
