import Type, { type TSchema } from 'typebox';
import { branchesOf, type JsonSchema, readSchema } from '../json-schema.ts';
import type { LayerSpec } from '../spec/model-spec.ts';
import type { LayerDefinition } from './layer.ts';

const NAME_CHARACTERS_MAX = 64;

/** Names become the first part of `layer/weight` and of `layer:output`, so a slash and a colon are not for them. */
export const NAME_SCHEMA = Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$', maxLength: NAME_CHARACTERS_MAX });

const HEAD = {
  name: Type.Optional(Type.String({ ...NAME_SCHEMA, description: 'Name of the layer; without it the type with a number.' })),
  trainable: Type.Optional(Type.Boolean({ description: 'Whether training changes its weights. False freezes the layer. Default true.' })),
};

/** A layer as it stands in a spec: `type`, `name`, `trainable` and the layer's own options. */
export function layerSchema(definition: LayerDefinition): TSchema {
  return schemaOf(definition, HEAD);
}

/** A layer inside another one, which has neither a name nor a will of its own. */
export function innerLayerSchema(definition: LayerDefinition): TSchema {
  return schemaOf(definition, {});
}

function schemaOf(definition: LayerDefinition, head: Readonly<Record<string, JsonSchema>>): TSchema {
  const options = readSchema(definition.options);
  const branches = branchesOf(options);
  const shared = { title: definition.type, description: definition.summary };
  const withHead = (branch: JsonSchema): JsonSchema => ({
    type: 'object',
    properties: { type: Type.Literal(definition.type), ...head, ...branch.properties },
    required: ['type', ...(branch.required ?? [])],
    additionalProperties: false,
  });
  if (!branches) return Type.Unsafe<LayerSpec>({ ...shared, ...withHead(options) });
  return Type.Unsafe<LayerSpec>({ ...shared, anyOf: branches.map(withHead) });
}
