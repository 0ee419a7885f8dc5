import type { Fault } from './engine/index.ts';

/**
 * Every error the API answers with: status and title by code. Codes are forever: never reused, never renamed.
 * Adding one is one line here; the docs table is generated from this record.
 */
export const ERRORS = {
  invalid_json: { status: 400, title: 'The body is not readable JSON' },
  empty_body: { status: 400, title: 'The body is empty' },
  invalid_request: { status: 400, title: 'A path, query or header value is not valid' },
  invalid_id: { status: 400, title: 'The id is malformed' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  forbidden_origin: { status: 403, title: 'Requests from web pages of other origins are refused' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'The path exists, but not for this method' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  idempotency_conflict: { status: 409, title: 'The Idempotency-Key was used with another body' },
  idempotency_in_progress: { status: 409, title: 'The first request with this Idempotency-Key is still running' },
  state_conflict: { status: 409, title: 'The state does not allow this' },
  name_taken: { status: 409, title: 'The name is taken' },
  payload_too_large: { status: 413, title: 'The body is larger than the limit' },
  uri_too_long: { status: 414, title: 'The address is too long' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  range_not_satisfiable: { status: 416, title: 'The range lies outside of the file' },
  validation_failed: { status: 422, title: 'The body has faults' },
  spec_invalid: { status: 422, title: 'The request has faults' },
  dataset_invalid: { status: 422, title: 'The data has faults' },
  input_invalid: { status: 422, title: 'The instances do not fit the model' },
  limit_exceeded: { status: 422, title: 'The request is larger than a limit of this server' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something broke on our side' },
  dependency_unavailable: { status: 503, title: 'A service this server depends on does not answer' },
  not_ready: { status: 503, title: 'Not ready yet' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** A fault in a request, or in a file at a line and column. */
export type RequestFault = Fault | DataFault;

/** A fault in uploaded data. `line` counts from 1 with the header; `column` is the column's name. */
export interface DataFault {
  readonly line?: number;
  readonly column?: string;
  readonly value?: string;
  readonly code: string;
  readonly detail: string;
  readonly expected?: unknown;
  readonly received?: unknown;
}

export interface AppErrorOptions {
  /** Public text: what happened and what to do. Never a stack, SQL, path or internal id. */
  readonly detail: string;
  readonly errors?: readonly RequestFault[];
  /** Further members of the problem body, such as the limit that was passed. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error with a public face. Everything else that is thrown becomes `internal` and is logged once. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, options: AppErrorOptions) {
    super(options.detail, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.options = options;
  }
}
