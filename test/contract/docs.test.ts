import { glob, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { generateDocs } from '../../docs/generate.ts';
import { FAULT_CODES } from '../../src/engine/index.ts';
import { ERRORS, JOB_ERROR_CODES, SERVICE_FAULT_CODES } from '../../src/errors.ts';

describe('the generated pages of the docs', () => {
  test.each(generateDocs())('$file.pathname is up to date (npm run docs)', async ({ file, text }) => {
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});

describe('the tables of codes', () => {
  test('hold every code the service writes', async () => {
    const known = new Set(Object.keys({ ...ERRORS, ...FAULT_CODES, ...SERVICE_FAULT_CODES, ...JOB_ERROR_CODES }));
    const written = new Map<string, string>();
    for await (const file of glob('src/**/*.ts', { exclude: (path) => path.includes('engine') || path.includes('generated') })) {
      const source = await readFile(file, 'utf8');
      for (const [, code] of source.matchAll(/\bcode: '([a-z][a-z_]+)'/g)) if (code !== undefined) written.set(code, file);
    }
    expect(written.size).toBeGreaterThan(20);
    expect([...written].filter(([code]) => !known.has(code))).toEqual([]);
  });

  test('do not give one code two meanings', () => {
    const fault = Object.keys({ ...FAULT_CODES });
    expect(fault.filter((code) => Object.hasOwn(SERVICE_FAULT_CODES, code))).toEqual([]);
  });
});
