import type { PatchOperation } from './json-patch.ts';

/**
 * One thing wrong with what a user sent, in the words of the HTTP contract. Checks collect faults and go on,
 * so that every fault is reported at once.
 */
export interface Fault {
  /** RFC 6901 pointer to the value inside the checked document. */
  readonly pointer: string;
  /** lower_snake_case, from the table in `fault-codes.ts`. */
  readonly code: string;
  /** What is wrong, as a sentence that names what was expected and what came. */
  readonly detail: string;
  readonly expected?: unknown;
  readonly received?: unknown;
  /** A change that would mend it, as a JSON Patch over the checked document. */
  readonly suggestion?: readonly PatchOperation[];
}

/** The same faults, seen from a document that holds the checked one at `prefix`. */
export function faultsBelow(prefix: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({
    ...fault,
    pointer: prefix + fault.pointer,
    ...(fault.suggestion && { suggestion: fault.suggestion.map((operation) => ({ ...operation, path: prefix + operation.path })) }),
  }));
}
