/** The migrated, empty database the tests' own ones are cloned from. */
export const TEMPLATE = 'alma_template';

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
