import type pg from 'pg';

/** What runs a statement: the pool, or a client inside a transaction. */
export type Queryable = pg.Pool | pg.ClientBase;

/** Runs the work on one connection. After a throw, whose connection is in a state that is not known, it is closed. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isDone = false;
  try {
    const result = await work(client);
    isDone = true;
    return result;
  } finally {
    client.release(!isDone);
  }
}

/** Runs the work in one transaction; a throw rolls everything back. */
export async function withTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: unknown = null;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const clean = failure === null || (await rollBack(client));
    // A connection whose state is not known is closed, which rolls back as well.
    client.release(!clean);
  }
}

async function rollBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}
