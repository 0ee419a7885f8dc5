import type { FastifyError } from 'fastify';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { AppError, ERRORS } from '../errors.ts';
import { isDiskFull } from '../lib/machine-fault.ts';
import type { App, Reply, Request } from './app-type.ts';
import { PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts';

/** What the framework and its plugins throw, in our words. `limit` puts the body limit of the route into the reply. */
const FRAMEWORK_ERRORS: ReadonlyMap<string, (request: Request) => AppError> = new Map([
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', unsupportedMediaType],
  ['FST_INVALID_MULTIPART_CONTENT_TYPE', unsupportedMediaType],
  ['FST_ERR_CTP_BODY_TOO_LARGE', bodyTooLarge],
  ['FST_REQ_FILE_TOO_LARGE', () => new AppError('payload_too_large', { detail: 'The file is larger than this server takes.' })],
  ['FST_FILES_LIMIT', () => new AppError('payload_too_large', { detail: 'The form holds more files than this route takes.' })],
  ['FST_FIELDS_LIMIT', () => new AppError('payload_too_large', { detail: 'The form holds more fields than this route takes.' })],
  ['FST_PARTS_LIMIT', () => new AppError('payload_too_large', { detail: 'The form holds more parts than this route takes.' })],
  ['FST_PROTO_VIOLATION', () => new AppError('invalid_request', { detail: 'The form holds a field with a forbidden name.' })],
  [
    'FST_INVALID_JSON_FIELD_ERROR',
    () => new AppError('invalid_request', { detail: 'A field of the form says that it is JSON and is not.' }),
  ],
  ['FST_MP_PREMATURE_CLOSE', () => new AppError('invalid_request', { detail: 'The form ended before its last part did.' })],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    () => new AppError('invalid_request', { detail: 'The body is not as long as Content-Length says.' }),
  ],
  ['FST_ERR_BAD_URL', () => new AppError('invalid_request', { detail: 'The path is not readable: check its percent-encoding.' })],
  ['FST_ERR_INVALID_URL', () => new AppError('invalid_request', { detail: 'The address is not readable.' })],
  ['FST_ERR_MAX_PARAM_LENGTH', () => new AppError('uri_too_long', { detail: 'A part of the path is longer than any name or id can be.' })],
]);

/** The last stop of everything thrown while answering: a problem for the client, and a log line if it is our fault. */
export function handleError(error: FastifyError | Error, request: Request, reply: Reply): void {
  const known = appErrorOf(error, request);
  if (known !== null) {
    if (ERRORS[known.code].status >= 500) request.log.warn({ err: error, code: known.code }, 'request refused');
    sendProblem(known, request, reply);
    return;
  }
  request.log.error({ err: error }, 'request failed');
  sendProblem(new AppError('internal', { detail: 'The error was logged; name the request_id when you report it.' }), request, reply);
}

/** Sends an error as `application/problem+json`. */
function sendProblem({ code, options }: AppError, request: Request, reply: Reply): void {
  const body = problemOf(code, options, { instance: pathOf(request.url), requestId: request.id });
  void reply
    .code(body.status)
    .headers({ ...options.headers, 'x-request-id': request.id, 'content-type': PROBLEM_CONTENT_TYPE })
    .send(JSON.stringify(body));
}

/** The path without its query and host, which may hold what does not belong into logs and replies. */
export function pathOf(url: string): string {
  const [path = url] = url.split('?', 1);
  return path.startsWith('/') ? path : path.replace(/^[a-z]+:\/\/[^/]*/i, '') || '/';
}

function appErrorOf(error: Error & { code?: unknown }, request: Request): AppError | null {
  if (error instanceof AppError) return error;
  const translate = typeof error.code === 'string' ? FRAMEWORK_ERRORS.get(error.code) : undefined;
  if (translate !== undefined) return translate(request);
  if (isDatabaseUnavailable(error)) {
    return new AppError('dependency_unavailable', {
      detail: 'The database does not answer. Nothing was changed; try again shortly.',
      headers: { 'retry-after': '2' },
      cause: error,
    });
  }
  if (isDiskFull(error)) {
    return new AppError('dependency_unavailable', {
      detail: 'The disk of this server has no room for it. Nothing was changed; try again later.',
      headers: { 'retry-after': '60' },
      cause: error,
    });
  }
  return null;
}

/** 415, with what the route takes. */
export function unsupportedMediaType(request: Request): AppError {
  const sent = request.headers['content-type'];
  const accepted = request.routeOptions.schema?.consumes ?? ['application/json'];
  return new AppError('unsupported_media_type', {
    detail: `Send the body as ${accepted.join(' or ')}${sent === undefined ? '; the request names no Content-Type' : ''}.`,
    members: { accepted },
  });
}

function bodyTooLarge(request: Request): AppError {
  const limit = request.routeOptions.bodyLimit;
  return new AppError('payload_too_large', { detail: `The body may hold at most ${limit} bytes.`, members: { limit_bytes: limit } });
}

/** 404 for unknown paths, 405 with `Allow` for known ones. Collects the routes, so it must be registered before them. */
export function registerNotFound(app: App): void {
  const routes: { readonly method: string; readonly path: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(
      `^${url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[^/]+/g, '[^/]+')
        .replace(/\*$/, '.*')}$`,
    );
    for (const one of [method].flat()) routes.push({ method: one, path });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    const allowed = [...new Set(routes.filter((route) => route.path.test(path)).map((route) => route.method))].sort();
    if (allowed.length === 0) {
      sendProblem(
        new AppError('not_found', { detail: 'There is nothing at this path; /openapi.json lists what there is.' }),
        request,
        reply,
      );
      return;
    }
    const error = new AppError('method_not_allowed', {
      detail: `This path answers ${allowed.join(', ')}.`,
      headers: { allow: allowed.join(', ') },
      members: { allowed },
    });
    sendProblem(error, request, reply);
  });
}
