// Brings the database of DATABASE_URL up to date and ends: a step of its own before servers start, as in containers.
import { migrate } from '../db/migrate.ts';

const url = process.env['DATABASE_URL'];
if (url === undefined || url === '') {
  console.error('DATABASE_URL must be set');
  process.exit(1);
}
try {
  const applied = await migrate(url);
  console.log(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`);
} catch (error) {
  console.error(`cannot migrate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
