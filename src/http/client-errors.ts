import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, type AppErrorOptions, ERRORS, type ErrorCode } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import type { App } from './app-type.ts';
import { PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts';

/** Requests the HTTP parser gave up on: there is no request object yet, so the reply is written by hand. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [code, options] = meaningOf(error.code);
  const { status } = ERRORS[code];
  const requestId = newId('request');
  const body = JSON.stringify(problemOf(code, options, { instance: '/', requestId }));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

/** RFC 9112 section 3.2: a request of HTTP/1.1 names the host it is for. */
export function refuseMissingHost(app: App): void {
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.headers.host === undefined && raw.httpVersion === '1.1') {
      throw new AppError('invalid_request', { detail: 'The request has no Host header.' });
    }
  });
}

function meaningOf(code: string | undefined): [ErrorCode, AppErrorOptions] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers_too_large', { detail: 'The headers together may hold at most 16 KiB.' }];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['request_timeout', { detail: 'The request did not arrive in time.' }];
  return ['invalid_request', { detail: 'This is not a readable HTTP/1.1 request.' }];
}
