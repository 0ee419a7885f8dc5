import { AppError } from '../errors.ts';
import type { Request } from './app-type.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * For a server without keys: a web page the user happens to have open must not drive it. A page of another site shows
 * by its Origin; one that rebinds its own name to 127.0.0.1 shows by the Host header.
 */
export function refuseForeignOrigins(request: Request): void {
  const { host = '', origin } = request.headers;
  if (!LOOPBACK_HOST.test(host)) {
    throw new AppError('forbidden_origin', {
      detail: 'This server runs without API keys and answers only to loopback names such as 127.0.0.1 and localhost.',
    });
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new AppError('forbidden_origin', {
      detail: 'This server runs without API keys and refuses requests from web pages of other origins.',
    });
  }
}
