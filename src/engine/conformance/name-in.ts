/** The key of a table that a case asks for by a text, or an error that says what there is not. */
export function nameIn<T extends object>(table: T, name: unknown, kind: string): keyof T & string {
  for (const key in table) if (key === name) return key;
  throw new Error(`There is no ${kind} ${JSON.stringify(name)}`);
}
