import Type from 'typebox';
import { describe, expect, test } from 'vitest';
import { checkSchema, parseSchema, withDefaults } from '../../src/engine/schema.ts';

const optimizer = Type.Union([
  Type.Object({ type: Type.Literal('sgd'), momentum: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0 })) }),
  Type.Object({ type: Type.Literal('adam'), beta_1: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.9 })) }),
]);
const schema = Type.Object({
  epochs: Type.Integer({ minimum: 1, maximum: 100 }),
  rate: Type.Optional(Type.Number({ minimum: 0, default: 0.5 })),
  mode: Type.Optional(Type.Union([Type.Literal('fast'), Type.Literal('exact')], { default: 'fast' })),
  name: Type.Optional(Type.String({ pattern: '^[a-z]+$', maxLength: 8 })),
  shuffle: Type.Optional(Type.Boolean({ default: true })),
  shape: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 3 })),
  stop: Type.Optional(Type.Union([Type.Object({ patience: Type.Integer({ default: 3 }) }), Type.Null()], { default: null })),
  optimizer: Type.Optional(optimizer),
});

/** Pointer, code and first suggestion of the only fault. */
function onlyFault(value: unknown) {
  const faults = checkSchema(schema, value);
  expect(faults).toHaveLength(1);
  return faults[0]!;
}

describe('checkSchema', () => {
  test('accepts what fits', () => {
    expect(checkSchema(schema, { epochs: 3, stop: null, shape: [1, 2], optimizer: { type: 'adam', beta_1: 0 } })).toEqual([]);
  });

  test.each<{ name: string; value: unknown; pointer: string; code: string; mended?: unknown }>([
    { name: 'a numeric string', value: { epochs: '12' }, pointer: '/epochs', code: 'wrong_type', mended: 12 },
    { name: 'null for a number', value: { epochs: null }, pointer: '/epochs', code: 'wrong_type' },
    { name: 'infinity', value: { epochs: 1, rate: Number.POSITIVE_INFINITY }, pointer: '/rate', code: 'wrong_type' },
    { name: 'NaN', value: { epochs: Number.NaN }, pointer: '/epochs', code: 'wrong_type' },
    { name: 'a fraction for an integer', value: { epochs: 2.4 }, pointer: '/epochs', code: 'wrong_type', mended: 2 },
    { name: 'a negative count', value: { epochs: -3 }, pointer: '/epochs', code: 'out_of_range', mended: 3 },
    { name: 'a count beyond the bound', value: { epochs: 1e6 }, pointer: '/epochs', code: 'out_of_range', mended: 100 },
    { name: 'an enum value in other letters', value: { epochs: 1, mode: 'Exact' }, pointer: '/mode', code: 'not_one_of', mended: 'exact' },
    { name: 'an enum value far from all', value: { epochs: 1, mode: 'zzz' }, pointer: '/mode', code: 'not_one_of' },
    { name: 'a number for an enum', value: { epochs: 1, mode: 3 }, pointer: '/mode', code: 'wrong_type' },
    { name: 'a text that matches no pattern', value: { epochs: 1, name: 'A!' }, pointer: '/name', code: 'wrong_format' },
    { name: 'a boolean as text', value: { epochs: 1, shuffle: 'false' }, pointer: '/shuffle', code: 'wrong_type', mended: false },
    { name: 'a scalar for a list', value: { epochs: 1, shape: 8 }, pointer: '/shape', code: 'wrong_type', mended: [8] },
    { name: 'an empty list', value: { epochs: 1, shape: [] }, pointer: '/shape', code: 'wrong_length' },
    { name: 'a bad item', value: { epochs: 1, shape: [8, 0] }, pointer: '/shape/1', code: 'out_of_range', mended: 1 },
    { name: 'a list for an object', value: [], pointer: '', code: 'wrong_type' },
    { name: 'an object for a list', value: { epochs: 1, shape: {} }, pointer: '/shape', code: 'wrong_type' },
    { name: 'text for a nullable object', value: { epochs: 1, stop: 'no' }, pointer: '/stop', code: 'wrong_type' },
  ])('names $name', ({ value, pointer, code, mended }) => {
    const fault = onlyFault(value);
    expect(fault).toMatchObject({ pointer, code });
    expect(fault.detail).toMatch(/must be .*, received /);
    expect(fault.suggestion).toEqual(mended === undefined ? undefined : [{ op: 'replace', path: pointer, value: mended }]);
  });

  test('an optional field sent as null is to be left out', () => {
    expect(onlyFault({ epochs: 1, rate: null })).toMatchObject({ code: 'wrong_type', suggestion: [{ op: 'remove', path: '/rate' }] });
  });

  test('a misspelt field is renamed, a strange one removed', () => {
    const faults = checkSchema(schema, { epoch: 3, colour: 'red' });
    expect(faults.map(({ pointer, code }) => ({ pointer, code }))).toEqual([
      { pointer: '/epoch', code: 'unknown_field' },
      { pointer: '/colour', code: 'unknown_field' },
    ]);
    expect(faults[0]!.suggestion).toEqual([
      { op: 'remove', path: '/epoch' },
      { op: 'add', path: '/epochs', value: 3 },
    ]);
    expect(faults[1]!.suggestion).toEqual([{ op: 'remove', path: '/colour' }]);
  });

  test('a missing field is named with what it must be', () => {
    expect(onlyFault({})).toMatchObject({ pointer: '/epochs', code: 'missing_field', expected: 'an integer from 1 to 100' });
  });

  test('reports every fault at once, each once', () => {
    const faults = checkSchema(schema, { epochs: 0, mode: 'exakt', shape: [1, 'a', -1], optimizer: { type: 'adam', beta1: 0.5 } });
    expect(faults.map((fault) => fault.pointer)).toEqual(['/epochs', '/mode', '/shape/1', '/shape/2', '/optimizer/beta1']);
  });

  test('a union of objects is told apart by its tag', () => {
    expect(onlyFault({ epochs: 1, optimizer: { type: 'adma' } })).toMatchObject({
      pointer: '/optimizer/type',
      code: 'not_one_of',
      expected: ['sgd', 'adam'],
      suggestion: [{ op: 'replace', path: '/optimizer/type', value: 'adam' }],
    });
    expect(onlyFault({ epochs: 1, optimizer: {} })).toMatchObject({ pointer: '/optimizer/type', code: 'missing_field' });
    expect(onlyFault({ epochs: 1, optimizer: { type: 'sgd', beta_1: 0.5 } })).toMatchObject({
      pointer: '/optimizer/beta_1',
      code: 'unknown_field',
    });
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a field like any other', (name) => {
    const body: unknown = JSON.parse(`{"epochs": 1, ${JSON.stringify(name)}: {"a": 1}}`);
    expect(onlyFault(body)).toMatchObject({ pointer: `/${name}`, code: 'unknown_field' });
    const inherited: unknown = JSON.parse(`{"epochs": 1, "optimizer": {"type": ${JSON.stringify(name)}}}`);
    expect(onlyFault(inherited)).toMatchObject({ pointer: '/optimizer/type', code: 'not_one_of' });
  });

  test('pointers are escaped and prefixed', () => {
    expect(checkSchema(schema, { epochs: 1, 'a/b~c': 1 }, '/training')[0]!.pointer).toBe('/training/a~1b~0c');
  });

  test('a fault stays small whatever was sent', () => {
    const fault = onlyFault({ epochs: 'x'.repeat(100_000) });
    expect(JSON.stringify(fault).length).toBeLessThan(500);
  });
});

describe('defaults', () => {
  test('fill absent fields at every depth and touch nothing else', () => {
    const given = { epochs: 4, rate: 0, stop: { patience: 1 }, optimizer: { type: 'sgd' } };
    expect(withDefaults(schema, given)).toEqual({
      epochs: 4,
      rate: 0,
      mode: 'fast',
      shuffle: true,
      stop: { patience: 1 },
      optimizer: { type: 'sgd', momentum: 0 },
    });
    expect(given).toEqual({ epochs: 4, rate: 0, stop: { patience: 1 }, optimizer: { type: 'sgd' } });
  });

  test('come with the parsed value, and only when there is no fault', () => {
    expect(parseSchema(schema, { epochs: 4 }).value).toMatchObject({ epochs: 4, rate: 0.5, stop: null });
    expect(parseSchema(schema, { epochs: 0 })).toMatchObject({ value: null, faults: [{ pointer: '/epochs' }] });
  });
});
