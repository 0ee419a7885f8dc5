import type { Pool } from 'pg';
import { INVARIANTS } from './invariants.ts';

/** How often an invariant is broken. */
export interface InvariantCount {
  readonly name: string;
  readonly description: string;
  readonly count: number;
}

export type InvariantService = ReturnType<typeof createInvariantService>;

/** Counts the breaches of every invariant, of all projects. */
export function createInvariantService({ pool }: { pool: Pool }) {
  return {
    async count(): Promise<InvariantCount[]> {
      const counts: InvariantCount[] = [];
      // One after the other: they look through whole tables, and nobody waits for them.
      for (const [name, { description, breaches }] of Object.entries(INVARIANTS)) {
        const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM (${breaches}) AS breaches`);
        counts.push({ name, description, count: rows[0]?.count ?? 0 });
      }
      return counts;
    },
  };
}
