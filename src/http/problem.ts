import { type AppErrorOptions, ERRORS, type ErrorCode, type RequestFault } from '../errors.ts';
import { listedFaults } from '../lib/listed-faults.ts';

/** RFC 9457 problem details: the body of every error this server answers with. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly instance: string;
  readonly request_id: string;
  readonly errors: readonly RequestFault[];
  readonly [member: string]: unknown;
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

/** The problem of a code, for the request at `instance`. */
export function problemOf(
  code: ErrorCode,
  { detail, errors = [], members = {} }: Pick<AppErrorOptions, 'detail' | 'errors' | 'members'>,
  { instance, requestId }: { instance: string; requestId: string },
): ProblemBody {
  const { status, title } = ERRORS[code];
  return {
    type: problemType(code),
    title,
    status,
    code,
    detail,
    instance,
    request_id: requestId,
    errors: listedFaults(errors),
    ...members,
  };
}

/** Address of the page about a code; relative, so that it is right behind any proxy. */
function problemType(code: ErrorCode): string {
  return `/problems/${code}`;
}
