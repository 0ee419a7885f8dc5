import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { AppError, type ErrorCode, type RequestFault } from '../errors.ts';

const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;

/**
 * The values of a query string or path as a schema types them, defaults filled in. Only plain decimal numbers and
 * `true`/`false` are read as such; the rest stays text and then does not fit.
 */
export function readParameters(schema: TSchema, given: unknown, part: 'query' | 'path'): unknown {
  const typed = Value.Default(schema, withTypes(schema, given));
  const faults = faultsOf(schema, typed);
  if (faults.length === 0) return typed;
  const code: ErrorCode = part === 'path' ? 'invalid_id' : 'invalid_request';
  throw new AppError(code, { detail: `The ${part} is not valid: ${faults.map((fault) => fault.detail).join('; ')}.`, errors: faults });
}

function withTypes(schema: TSchema, given: unknown): Record<string, unknown> {
  const properties: Record<string, { type?: unknown }> = 'properties' in schema ? Object(schema.properties) : {};
  return Object.fromEntries(
    Object.entries(Object(given)).map(([name, text]) => [
      name,
      Object.hasOwn(properties, name) ? typed(properties[name]?.type, text) : text,
    ]),
  );
}

function typed(type: unknown, text: unknown): unknown {
  if (typeof text !== 'string') return text;
  if (type === 'integer' && INTEGER.test(text)) return Number(text);
  if (type === 'number' && NUMBER.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function faultsOf(schema: TSchema, values: unknown): RequestFault[] {
  const faults = new Map<string, RequestFault>();
  for (const error of Value.Errors(schema, values)) {
    const unknown = error.keyword === 'additionalProperties' ? error.params.additionalProperties : [];
    for (const name of unknown) {
      faults.set(`/${name}`, { pointer: `/${name}`, code: 'unknown_field', detail: `${JSON.stringify(name)} is not a parameter here` });
    }
    const name = error.instancePath.slice(1);
    if (name === '' || faults.has(error.instancePath)) continue;
    const received = Object(values)[name];
    faults.set(error.instancePath, {
      pointer: error.instancePath,
      code: 'invalid_parameter',
      detail: `${JSON.stringify(name)} ${error.message}`,
      received,
    });
  }
  return [...faults.values()];
}
