// Tells "the database does not answer now" from "the statement is wrong". Prisma reports the first in several shapes, two of
// three without a code, so the whole chain of causes is looked through.

/**
 * SQLSTATE classes and codes of a server that is gone, going, or full, and of a statement that only met another one at the
 * wrong moment: a lock not had in time (55P03), a deadlock (40P01), a statement that took too long (57014).
 */
const SQL_STATES = /^(?:08...|57P0[1-5]|57014|53...|55P03|40P01|40001|25P0[34])$/;
const SYSTEM_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);
/** P1001/P1002 not reached, P1017 closed, P2024 no free connection, P2028 no transaction to be had in time. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028']);
const MESSAGES =
  /Connection terminated|Query read timeout|Client has encountered a connection error|timeout exceeded when trying to connect|Can't reach database server|Cannot use a pool after calling end|Client was closed/i;

/** Whether the error says that the database cannot be reached right now; the API answers 503 then. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return causes(error).some(saysUnavailable);
}

function saysUnavailable(fault: object): boolean {
  const code = textOf(fault, 'code') || textOf(fault, 'originalCode');
  return SYSTEM_CODES.has(code) || PRISMA_CODES.has(code) || SQL_STATES.test(code) || MESSAGES.test(textOf(fault, 'message'));
}

/** The error and what it was made of: causes, one error per address tried, the adapter's error inside Prisma's. */
function causes(error: unknown): object[] {
  const found: object[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && found.length < 20) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    found.push(next);
    if ('cause' in next) open.push(next.cause);
    if (next instanceof AggregateError) open.push(...next.errors);
    if ('meta' in next && typeof next.meta === 'object' && next.meta !== null && 'driverAdapterError' in next.meta) {
      open.push(next.meta.driverAdapterError);
    }
  }
  return found;
}

function textOf(fault: object, field: 'code' | 'originalCode' | 'message'): string {
  const value: unknown = Reflect.get(fault, field);
  return typeof value === 'string' ? value : '';
}
