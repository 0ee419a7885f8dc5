import Type, { type TSchema } from 'typebox';
import { branchesOf, type JsonSchema, readSchema } from '../json-schema.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { LayerSpec } from './model-spec.ts';

const NAME_CHARACTERS_MAX = 64;

/** Names become the first part of `layer/weight`, so a slash is not for them. */
const LAYER_NAME = Type.Optional(
  Type.String({
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
    maxLength: NAME_CHARACTERS_MAX,
    description: 'Name of the layer; without it the type with a number.',
  }),
);

/** A layer as it stands in a spec: `type`, `name` and the layer's own options. */
export function layerSchema(definition: LayerDefinition): TSchema {
  const options = readSchema(definition.options);
  const branches = branchesOf(options);
  const shared = { title: definition.type, description: definition.summary };
  if (!branches) return Type.Unsafe<LayerSpec>({ ...shared, ...withHead(definition.type, options) });
  return Type.Unsafe<LayerSpec>({ ...shared, anyOf: branches.map((branch) => withHead(definition.type, branch)) });
}

function withHead(type: string, options: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties: { type: Type.Literal(type), name: LAYER_NAME, ...options.properties },
    required: ['type', ...(options.required ?? [])],
    additionalProperties: false,
  };
}
