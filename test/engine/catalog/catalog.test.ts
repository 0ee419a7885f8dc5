import { describe, expect, test } from 'vitest';
import { catalog, modelSpecSchema, trainingSchema } from '../../../src/engine/catalog.ts';
import type { JsonSchema } from '../../../src/engine/json-schema.ts';
import { branchesOf, readSchema } from '../../../src/engine/json-schema.ts';
import { checkSchema } from '../../../src/engine/schema.ts';

/** Every object schema inside a schema. */
function objectsOf(schema: JsonSchema): JsonSchema[] {
  const inner = [...(branchesOf(schema) ?? []), ...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])];
  return [...(schema.properties ? [schema] : []), ...inner.flatMap(objectsOf)];
}

describe.each(Object.entries(catalog()))('%s', (_kind, entries) => {
  test('have a type, one line of help, a JSON Schema and, where a paper is named, its address', () => {
    expect(entries.length).toBeGreaterThan(0);
    expect(new Set(entries.map((entry) => entry.type)).size).toBe(entries.length);
    for (const { type, summary, source, schema } of entries) {
      expect(type).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(summary).toMatch(/\.$/);
      expect(summary).not.toContain('\n');
      if (source !== undefined) expect(URL.canParse(source)).toBe(true);
      expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    }
  });

  test('describe every option, and ask for none that has a default', () => {
    for (const schema of entries.flatMap((entry) => objectsOf(entry.schema))) {
      for (const [name, option] of Object.entries(schema.properties ?? {})) {
        if (name === 'type') continue;
        expect(option.description, name).toBeTruthy();
        if (option.default !== undefined) expect(schema.required ?? []).not.toContain(name);
      }
    }
  });
});

describe('documentation schemas', () => {
  test('take a body as it is: the checks of specs and training tell their faults together', () => {
    for (const schema of [modelSpecSchema(), trainingSchema()]) expect(checkSchema(schema, { nonsense: true })).toEqual([]);
  });

  test('require what has no default', () => {
    expect(readSchema(trainingSchema()).required).toEqual(['epochs']);
    expect(readSchema(modelSpecSchema()).required).toEqual(['layers']);
  });
});
