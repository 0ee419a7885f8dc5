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
  quota_exceeded: { status: 429, title: 'The project has used up what it may' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something broke on our side' },
  dependency_unavailable: { status: 503, title: 'A service this server depends on does not answer' },
  not_ready: { status: 503, title: 'Not ready yet' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes of single faults that the service itself finds, beside those of the engine. */
export const SERVICE_FAULT_CODES = {
  // Files and rows
  cell_too_long: 'A cell holds more text than any cell may.',
  column_name_too_long: 'The name of a column is too long.',
  duplicate_column: 'Two columns have the same name.',
  empty_column_name: 'A column has no name.',
  line_too_long: 'A line holds more text than any line may.',
  missing_value: 'A value is missing where one is needed.',
  more_faults: 'There are further faults of this kind that are not listed.',
  no_columns: 'There is no column.',
  no_rows: 'There is no row.',
  not_a_boolean: 'The cell is neither true nor false.',
  not_a_datetime: 'The cell is neither a date nor an RFC 3339 time.',
  not_a_number: 'A column of numbers holds a cell that is none.',
  not_an_integer: 'A column of whole numbers holds a cell that is none.',
  not_utf8: 'The file is not text in UTF-8.',
  nul_byte: 'The file holds a NUL byte.',
  ragged_row: 'A row has more or fewer cells than the header.',
  reserved_column_name: 'The name cannot be used for a column.',
  stray_quote: 'A quote stands inside an unquoted cell.',
  text_after_quote: 'Text follows the closing quote of a cell.',
  too_many_columns: 'There are more columns than this server takes.',
  too_many_rows: 'There are more rows than this server takes.',
  unclosed_quote: 'A quoted cell is never closed.',
  unsupported_format: 'The content is of a format that cannot be imported.',
  // What happened to a job
  checkpoint_damaged: 'A checkpoint was not whole: the job went on from the one before it.',
  fork_forgotten: 'A fork was started from the beginning: the checkpoint it was forked from is not its start any more.',
  // Training requests and instances
  columns_left_out: 'Columns that cannot be encoded are not used as features.',
  conflicting_fields: 'Two fields exclude each other.',
  missing_column: 'A column the model was trained on is absent.',
  no_features: 'No column is left to learn from.',
  no_training_rows: 'The split leaves nothing to train on.',
  not_encodable: 'A column of this type cannot be used here.',
  target_among_features: 'The target is also a feature.',
  task_mismatch: 'The option does not go with the task.',
  too_few_classes: 'There are fewer than two classes to tell apart.',
  unknown_category: 'The value is not one of the categories of the column.',
  unknown_column: 'There is no such column.',
  unknown_dataset: 'There is no such dataset.',
  unknown_model: 'There is no such model.',
} as const satisfies Record<string, string>;

/** Codes in the `error` of a job that failed. */
export const JOB_ERROR_CODES = {
  determinism_violation: 'An epoch computed again did not give what it gave before.',
  divergence: 'The loss is no longer a finite number.',
  internal: 'Something broke on our side.',
  storage_damaged: 'Stored bytes the job needs are damaged.',
  time_limit: 'The job took longer than its limit.',
  worker_lost_limit: 'The worker died too often while training this job.',
} as const satisfies Record<string, string>;

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
