import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { checkSchema, withDefaults } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import type { App } from './app-type.ts';
import { unsupportedMediaType } from './error-handler.ts';
import { readParameters } from './query.ts';
import { StrictObject } from './schemas.ts';

const NO_QUERY = StrictObject({});

/**
 * Checks what a route is given by the schemas it declares. Bodies strictly, without coercion, every fault in one reply,
 * defaults filled in; path and query as text that has to read as the declared type. Replies go out as they are: their
 * schemas are documentation, and tests hold the replies against them.
 */
export function registerValidation(app: App): void {
  app.setValidatorCompiler(compile);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  app.addHook('onRoute', (route) => {
    route.schema = { querystring: NO_QUERY, ...route.schema };
    // The check would come too early: the service tells the faults of the body together with those it finds itself.
    if (route.config?.bodyCheckedByService) route.validatorCompiler = (part) => (part.httpPart === 'body' ? asObject : compile(part));
  });
  app.addHook('preValidation', async (request) => {
    const { schema } = request.routeOptions;
    if (request.headers['content-type']?.startsWith('multipart/')) {
      if (schema?.consumes?.includes('multipart/form-data')) return;
      throw unsupportedMediaType(request);
    }
    if (schema?.body === undefined || request.body !== undefined) return;
    if (request.routeOptions.config.bodyOptional) request.body = {};
    else throw new AppError('empty_body', { detail: 'This route needs a JSON body.' });
  });
}

const compile: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  switch (httpPart) {
    case 'body':
      return (value: unknown) => outcome(() => checkedBody(schema, value));
    case 'params':
    case 'querystring':
      return (value: unknown) => outcome(() => readParameters(schema, value, httpPart === 'params' ? 'path' : 'query'));
    default:
      // Headers are read, and refused, where they are used.
      return (value: unknown) => ({ value });
  }
};

function checkedBody(schema: TSchema, body: unknown): unknown {
  const faults = checkSchema(schema, body);
  if (faults.length > 0) {
    const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
    throw new AppError('validation_failed', { detail: `${faults[0]?.detail}${more}`, errors: faults });
  }
  return withDefaults(schema, body);
}

function asObject(body: unknown) {
  return outcome(() => {
    if (body !== null && typeof body === 'object' && !Array.isArray(body)) return body;
    const detail = 'The body must be a JSON object.';
    throw new AppError('validation_failed', { detail, errors: [{ pointer: '', code: 'wrong_type', detail, expected: 'object' }] });
  });
}

/** Fastify takes a refusal as a value. */
function outcome(check: () => unknown): { value: unknown } | { error: Error } {
  try {
    return { value: check() };
  } catch (error) {
    if (error instanceof AppError) return { error };
    throw error;
  }
}
