import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateOpenapi, OPENAPI_FILE } from '../../openapi/generate.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
}

interface Media {
  readonly schema?: unknown;
  readonly example?: unknown;
  readonly examples?: unknown;
}

interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let text: string;
let document: Document;
let operations: readonly { readonly name: string; readonly operation: Operation }[];

beforeAll(async () => {
  text = await generateOpenapi();
  document = JSON.parse(text);
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
});

describe('the OpenAPI document', () => {
  test('in the repository is the one of the routes (npm run openapi)', async () => {
    expect(await readFile(OPENAPI_FILE, 'utf8')).toBe(text);
  });

  test('is the same each time it is made', async () => {
    expect(await generateOpenapi()).toBe(text);
  });

  test('is version 3.1 and refers only to components it has', () => {
    expect(document.openapi).toBe('3.1.0');
    for (const [, name] of text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    expect(text.match(/"\$ref": "(?!#\/components\/schemas\/)/g)).toBeNull();
  });

  test('names every operation once, with a summary and a known tag', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map((tag) => tag.name);
    for (const { name, operation } of operations) {
      expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z0-9]+$/);
      expect(operation.summary, name).toBeTruthy();
      expect(tags, name).toContain(operation.tags?.[0]);
    }
  });

  test('tells for every operation what success and failure look like', () => {
    for (const { name, operation } of operations) {
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        name,
      ).toBe(true);
      expect(operation.responses, name).toHaveProperty(
        'default.content.application/problem+json.schema.$ref',
        '#/components/schemas/Problem',
      );
    }
  });

  test('shows an example of every JSON body', () => {
    for (const { name, operation } of operations) {
      const media = operation.requestBody?.content['application/json'];
      if (media !== undefined) expect(media.example ?? media.examples, name).toBeDefined();
    }
  });
});
