import type { TSchema } from 'typebox';

/** The part of JSON Schema our schemas use, for reading them. Schemas are written with typebox. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly title?: string;
  readonly description?: string;
  /** OpenAPI: the property that tells the branches of a `oneOf` apart. */
  readonly discriminator?: { readonly propertyName: string };
  /** The value has a check of its own (specs, training options): here the schema is documentation only. */
  readonly 'x-checked-separately'?: boolean;
}

/** A typebox schema as the JSON Schema it is. */
export function readSchema(schema: TSchema): JsonSchema {
  return schema;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Branches of a union, or undefined. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] | undefined {
  return schema.anyOf ?? schema.oneOf;
}

/** The values a schema allows when it lists them all. */
export function listedValues(schema: JsonSchema): readonly unknown[] | undefined {
  if (schema.enum) return schema.enum;
  if (Object.hasOwn(schema, 'const')) return [schema.const];
  const branches = branchesOf(schema)?.map(listedValues);
  if (branches?.every((values) => values !== undefined)) return branches.flat();
  return schema.type === 'null' ? [null] : undefined;
}

/** Whether a value is of the JSON type a schema asks for; ranges and contents may still be wrong. */
export function hasTypeOf(schema: JsonSchema, value: unknown): boolean {
  const listed = listedValues(schema);
  if (listed) return listed.some((allowed) => typeof allowed === typeof value && (allowed === null) === (value === null));
  const branches = branchesOf(schema);
  if (branches) return branches.some((branch) => hasTypeOf(branch, value));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  return types.length === 0 || types.some((type) => isOfType(type, value));
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'null':
      return value === null;
    default:
      // `string` and `boolean` are called the same in both worlds.
      return typeof value === type;
  }
}

/** A pointer one step further down (RFC 6901). */
export function pointerTo(pointer: string, key: string | number): string {
  if (typeof key === 'number') return `${pointer}/${key}`;
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
