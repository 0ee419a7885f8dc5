import { AppError } from '../errors.ts';
import type { App, Request } from './app-type.ts';

/** Deeper than any document of ours; a bound keeps every later walk over the body shallow. */
const DEPTH_MAX = 64;

/**
 * Reads `application/json` and nothing else: UTF-8, uncompressed, of bounded depth, without the keys that reach into
 * prototypes, and without text PostgreSQL cannot hold (NUL, lone surrogates).
 */
export function registerJsonBody(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: Request, body: Buffer) => {
    refuseCompression(request);
    refuseOtherTypes(request);
    if (body.length === 0) return undefined;
    return readJson(body);
  });
}

/** Parses UTF-8 JSON text, or throws what is wrong with it. */
export function readJson(bytes: Uint8Array): unknown {
  const document = parse(decode(bytes));
  const fault = faultOf(document);
  if (fault !== null) throw new AppError('invalid_json', { detail: fault });
  return document;
}

/** Bodies are read as they are: a small compressed one may be a very large one. */
export function refuseCompression(request: Request): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AppError('unsupported_media_type', {
      detail: `Send the body uncompressed, not with Content-Encoding ${JSON.stringify(encoding)}.`,
    });
  }
}

/** JSON has one parameter that is sometimes sent, and one value for it. */
function refuseOtherTypes(request: Request): void {
  const [, ...parameters] = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim());
  const isUtf8 = parameters.every((parameter) => parameter === '' || /^charset="?utf-8"?$/i.test(parameter));
  if (!isUtf8)
    throw new AppError('unsupported_media_type', { detail: 'JSON is sent as application/json, in UTF-8, without other parameters.' });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new AppError('invalid_json', { detail: 'The body is not UTF-8 text.' });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message may quote the body; only the place is given back.
    const place = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw new AppError('invalid_json', {
      detail: place === undefined ? 'The JSON text ends too early or is not JSON.' : `The JSON text is wrong at character ${place}.`,
    });
  }
}

/** Walks level by level, without recursion, so that the document's depth cannot exhaust the stack. */
function faultOf(document: unknown): string | null {
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return `The document is nested deeper than ${DEPTH_MAX} levels.`;
    for (const value of level) {
      const fault = typeof value === 'string' ? faultOfText(value) : faultOfKeys(value);
      if (fault !== null) return fault;
    }
    level = level.flatMap(childrenOf);
  }
  return null;
}

function childrenOf(value: unknown): unknown[] {
  return value !== null && typeof value === 'object' ? Object.values(value) : [];
}

function faultOfKeys(value: unknown): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') return 'The key "__proto__" is not allowed.';
    if (key === 'constructor' && child !== null && typeof child === 'object' && Object.hasOwn(child, 'prototype')) {
      return 'The key "constructor" may not hold a "prototype".';
    }
    const fault = faultOfText(key);
    if (fault !== null) return fault;
  }
  return null;
}

function faultOfText(text: string): string | null {
  if (text.includes('\0')) return 'Text may not hold the character U+0000.';
  return text.isWellFormed() ? null : 'Text may not hold half of a surrogate pair.';
}
