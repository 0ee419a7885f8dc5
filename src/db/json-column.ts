import type { Prisma } from './generated/client.ts';

/** A value as a JSON column takes it: what is undefined is left out, and what it shares with the caller is not kept. */
export function jsonColumn(value: object): Prisma.InputJsonValue {
  return JSON.parse(JSON.stringify(value));
}
