import type { TSchema } from 'typebox';
import { checkSchema, withDefaults } from '../engine/index.ts';
import { AppError, type ErrorCode } from '../errors.ts';

const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;

/**
 * The values of a query string or path as a schema types them, defaults filled in. Only plain decimal numbers and
 * `true`/`false` are read as such; the rest stays text and then does not fit.
 */
export function readParameters(schema: TSchema, given: unknown, part: 'query' | 'path'): unknown {
  // An empty part of a path is no id: /v1/jobs/ is not another spelling of anything.
  if (part === 'path' && Object.values(Object(given)).includes('')) {
    throw new AppError('not_found', { detail: 'There is nothing at this path; /openapi.json lists what there is.' });
  }
  const values = withDefaults(schema, withTypes(schema, given));
  const faults = checkSchema(schema, values);
  if (faults.length === 0) return values;
  const code: ErrorCode = part === 'path' ? 'invalid_id' : 'invalid_request';
  throw new AppError(code, { detail: `The ${part} is not valid: ${faults[0]?.detail}`, errors: faults });
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
