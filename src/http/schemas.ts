import type { TProperties, TSchema } from 'typebox';
import Type from 'typebox';
import { type IdKind, idPattern, NAME_PATTERN } from '../lib/ids.ts';

// A schema whose `title` is one capitalised word becomes a component of the OpenAPI document under that name.

/** An object of exactly these properties: one more in a request is a fault. */
export function StrictObject<Properties extends TProperties>(properties: Properties, options: Record<string, unknown> = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** `value`, or null where there is none: the API never leaves a property out. */
export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** An id of one kind, checked by its pattern before any lookup. */
export function Id(kind: IdKind, description = `Id of a ${kind}.`) {
  return Type.String({ pattern: idPattern(kind), maxLength: 40, description });
}

/** A name users choose for models and deployments. */
export function Name(description: string) {
  return Type.String({ pattern: NAME_PATTERN, maxLength: 63, description });
}

/** Path parameters `{ id }` of one kind. */
export function idParams(kind: IdKind) {
  return StrictObject({ id: Id(kind) });
}

/** Path parameters `{ name }`. */
export function nameParams(description: string) {
  return StrictObject({ name: Name(description) });
}

export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, UTC.' });

/** The reply of every list. */
export function ListOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    data: Type.Array(item),
    has_more: Type.Boolean({ description: 'There are more after these.' }),
    next_cursor: Nullable(Type.String({ description: 'Give it back as `cursor` to read on.' })),
  });
}

export const FaultReply = Type.Object(
  {
    pointer: Type.Optional(Type.String({ description: 'RFC 6901 pointer to the value.' })),
    line: Type.Optional(Type.Integer({ description: 'Line of the file, from 1 with the header.' })),
    column: Type.Optional(Type.String({ description: 'Name of the column.' })),
    value: Type.Optional(Type.String({ description: 'The text in the file.' })),
    code: Type.String(),
    detail: Type.String(),
    expected: Type.Optional(Type.Unknown()),
    received: Type.Optional(Type.Unknown()),
    suggestion: Type.Optional(Type.Array(Type.Unknown(), { description: 'An RFC 6902 JSON Patch that would mend it.' })),
  },
  { title: 'Fault' },
);

/** RFC 9457 problem details, the body of every error. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Address of a page about this kind of error.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable name of this kind of error.' }),
    detail: Type.String({ description: 'What happened and what to do.' }),
    instance: Type.String({ description: 'The path that was asked for.' }),
    request_id: Type.String(),
    errors: Type.Array(FaultReply, { description: 'Every single fault; empty when the detail says all.' }),
  },
  { title: 'Problem' },
);

/** A refusal the document tells of by itself: when it comes, and its body where that holds more than any problem. */
export function problemReply(description: string, schema: TSchema = Problem) {
  return { description, content: { 'application/problem+json': { schema } } };
}
