import type { RequestFault } from '../errors.ts';
import { ENCODINGS_BY_TYPE, MISSING_BY_TYPE } from './column-schema.ts';
import type { ColumnSchema, RequestedColumn } from './table.ts';

/** Faults of a requested schema against the names of the columns and the types they have. */
export function checkRequestedSchema(
  requested: readonly RequestedColumn[],
  types: ReadonlyMap<string, ColumnSchema['type']>,
): RequestFault[] {
  const seen = new Set<string>();
  return requested.flatMap((column, place) => {
    const pointer = `/schema/${place}`;
    const faults: RequestFault[] = [];
    if (seen.has(column.name))
      faults.push({ pointer: `${pointer}/name`, code: 'duplicate_column', detail: `Column ${quoted(column.name)} is described twice.` });
    seen.add(column.name);
    const type = types.get(column.name);
    if (type === undefined) {
      faults.push({
        pointer: `${pointer}/name`,
        code: 'unknown_column',
        detail: `The data has no column ${quoted(column.name)}.`,
        expected: [...types.keys()].slice(0, 50),
        received: column.name,
      });
      return faults;
    }
    return [...faults, ...checkPolicies(column, type, pointer)];
  });
}

function checkPolicies(column: RequestedColumn, type: ColumnSchema['type'], pointer: string): RequestFault[] {
  const faults: RequestFault[] = [];
  const refuse = (member: string, expected: readonly string[], received: string) => {
    if (expected.includes(received)) return;
    faults.push({
      pointer: `${pointer}/${member}`,
      code: 'not_one_of',
      detail: `${quoted(member)} of a column of type ${type} must be one of ${expected.join(', ')}, received ${received}.`,
      expected,
      received,
    });
  };
  if (column.encode !== undefined) refuse('encode', ENCODINGS_BY_TYPE[type], column.encode);
  if (column.missing !== undefined) refuse('missing', MISSING_BY_TYPE[type], column.missing);
  if (column.unknown !== undefined && type !== 'category') refuse('unknown', ['error'], column.unknown);
  if (column.categories !== undefined && type !== 'category') {
    faults.push({
      pointer: `${pointer}/categories`,
      code: 'unknown_field',
      detail: `Only columns of type category have categories; this one is ${type}.`,
    });
  }
  return [...faults, ...checkFill(column, type, pointer)];
}

function checkFill(column: RequestedColumn, type: ColumnSchema['type'], pointer: string): RequestFault[] {
  if (column.missing !== 'constant') {
    if (column.fill === undefined) return [];
    return [{ pointer: `${pointer}/fill`, code: 'unknown_field', detail: '`fill` goes with `missing: "constant"` only.' }];
  }
  if (column.fill === undefined) {
    return [{ pointer: `${pointer}/fill`, code: 'missing_field', detail: '`missing: "constant"` needs the value in `fill`.' }];
  }
  const expected =
    type === 'number' || type === 'integer' ? ['number'] : type === 'boolean' ? ['boolean'] : ['string', 'number', 'boolean'];
  if (expected.includes(typeof column.fill)) return [];
  return [
    {
      pointer: `${pointer}/fill`,
      code: 'wrong_type',
      detail: `\`fill\` of a column of type ${type} must be a ${expected.join(' or ')}.`,
      expected,
      received: typeof column.fill,
    },
  ];
}

/** Faults of constants that are none of the categories they are to stand in for; to be asked once the categories are known. */
export function checkConstants(requested: readonly RequestedColumn[], schema: readonly ColumnSchema[]): RequestFault[] {
  const categories = new Map(schema.map((column) => [column.name, column.categories]));
  return requested.flatMap(({ name, fill }, place) => {
    const allowed = categories.get(name);
    if (fill === undefined || allowed === undefined || allowed.includes(fill)) return [];
    const detail = `\`fill\` of column ${quoted(name)} must be one of its categories.`;
    return [{ pointer: `/schema/${place}/fill`, code: 'unknown_category', detail, expected: allowed.slice(0, 50), received: fill }];
  });
}

function quoted(name: string): string {
  return `"${name}"`;
}
