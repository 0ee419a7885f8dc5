import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateOpenapi } from '../../openapi/generate.ts';
import { EVENT_TYPES } from '../../src/jobs/job-schema.ts';
import { JOB_STATUSES, STOP_REASONS } from '../../src/jobs/job-state.ts';

interface Reply {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: unknown; readonly example?: string }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Reply>> }>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties: { readonly event: { enum: string[]; description: string } } }>>;
  };
}

const VERBS = ['cancel', 'stop', 'pause', 'resume', 'retry', 'fork'];

let document: Document;

beforeAll(async () => {
  document = JSON.parse(await generateOpenapi());
});

const repliesOf = (method: string, path: string): Readonly<Record<string, Reply>> => document.paths[path]![method]!.responses;

describe('the documented replies', () => {
  test('of a DELETE are 204 without a body, or what it declares', () => {
    for (const [path, { delete: operation }] of Object.entries(document.paths)) {
      if (operation === undefined) continue;
      const successes = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      expect(successes, path).toEqual([path.endsWith('/pin') ? '200' : '204']);
    }
  });

  test('of status 204 have no body', () => {
    const silent = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).flatMap(({ responses }) => responses['204'] ?? []),
    );
    expect(silent.length).toBeGreaterThan(1);
    for (const reply of silent) expect(reply).toEqual({ description: expect.any(String) });
  });

  test.each(VERBS)('of %s tell what a conflict holds', (verb) => {
    const { description, content } = repliesOf('post', `/v1/jobs/{id}/${verb}`)['409']!;
    const name = verb === 'fork' ? 'Problem' : 'JobConflict';
    expect(description).toContain('`state_conflict`');
    expect(content).toEqual({ 'application/problem+json': { schema: { $ref: `#/components/schemas/${name}` } } });
  });

  test('of a pin tell of the quota', () => {
    expect(repliesOf('put', '/v1/jobs/{id}/checkpoints/{checkpoint}/pin')['429']).toMatchObject({
      description: expect.stringContaining('`quota_exceeded`'),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    });
  });
});

describe('the documented events of a job', () => {
  test('are a list and a stream', () => {
    const { 200: found, 204: nothing } = repliesOf('get', '/v1/jobs/{id}/events');
    expect(Object.keys(found!.content!)).toEqual(['application/json', 'text/event-stream']);
    expect(found!.content!['text/event-stream']).toMatchObject({
      schema: { type: 'string', contentSchema: { $ref: '#/components/schemas/StreamedEvent' } },
      example: expect.stringMatching(/^id: \d+\nevent: epoch\ndata: \{.*\}\n\n/),
    });
    expect(nothing).toEqual({ description: expect.stringContaining('Last-Event-ID') });
  });

  test('are named, with a line for each; the stream has one more', () => {
    const types = Object.keys(EVENT_TYPES);
    for (const [schema, names] of [
      ['JobEvent', types],
      ['StreamedEvent', [...types, 'progress']],
    ] as const) {
      const { event } = document.components.schemas[schema]!.properties;
      expect(event.enum).toEqual(names);
      expect(event.description.split('\n').map((line) => /^- `(\w+)`: \S/.exec(line)?.[1])).toEqual(names);
    }
  });
});

describe('docs/jobs.md', () => {
  test.each([
    ['status', JOB_STATUSES],
    ['stop reason', STOP_REASONS],
    ['event', [...Object.keys(EVENT_TYPES), 'progress']],
    ['verb', VERBS],
  ] as const)('has a line for every %s', async (_, names) => {
    const page = await readFile(new URL('../../docs/jobs.md', import.meta.url), 'utf8');
    for (const name of names) expect(page).toMatch(new RegExp(`^(\\| |- \\*\\*)\`${name}\``, 'm'));
  });
});
