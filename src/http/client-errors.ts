import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type AppErrorOptions, ERRORS, type ErrorCode } from '../errors.ts';
import { newId } from '../lib/ids.ts';
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

function meaningOf(code: string | undefined): [ErrorCode, AppErrorOptions] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers_too_large', { detail: 'The headers together may hold at most 16 KiB.' }];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['request_timeout', { detail: 'The request did not arrive in time.' }];
  return ['invalid_request', { detail: 'This is not a readable HTTP/1.1 request.' }];
}
