import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/engine/backends/reference.ts';
import { runCase } from '../../src/engine/conformance/index.ts';
import { selectBackend } from '../../src/engine/index.ts';
import { BACKENDS } from '../engine/backends-here.ts';

const DIRECTORY = join(import.meta.dirname, '../fixtures/vectors');

const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));
const vectors = files.map((file): { name: string } => JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')));

it('there are golden cases', () => expect(vectors.length).toBeGreaterThan(150));

describe.each(BACKENDS)('the %s backend', (name) => {
  const backend = selectBackend(name);
  it.each(vectors)('computes $name', (vector) => {
    expect(runCase(vector, backend).problems).toEqual([]);
  });
});

describe('a case that cannot be run fails', () => {
  const backend = referenceBackend();
  const known = vectors.find(({ name }) => name === 'layer_dense_linear');

  it.each([
    ['of an unknown kind', { ...known, kind: 'oracle' }, 'There is no kind "oracle".'],
    ['of an unknown layer', { ...known, spec: { type: 'quantum' } }, 'There is no layer "quantum"'],
    ['that expects nothing', { ...known, expect: {} }, 'The case compares nothing.'],
    ['that is no case', [], 'This is not a case: it has no name, kind, spec, inputs, expect and tolerance.'],
  ])('%s', (_what, vector, problem) => {
    expect(runCase(vector, backend)).toMatchObject({ passed: false, problems: [problem] });
  });

  it('with a wrong number', () => {
    const wrong = structuredClone(known) as unknown as { expect: { output: { data: number[] } } };
    wrong.expect.output.data[0]! += 1e-3;
    expect(runCase(wrong, backend)).toMatchObject({ passed: false });
  });
});
