import Type, { type TSchema } from 'typebox';
import { INITIALIZERS } from './initializers/index.ts';
import type { JsonSchema } from './json-schema.ts';
import { readSchema } from './json-schema.ts';
import { ACTIVATIONS } from './layers/activations.ts';
import { LAYERS } from './layers/index.ts';
import type { LayerDefinition } from './layers/layer.ts';
import { layerSchema } from './layers/layer-schema.ts';
import { LOSSES } from './losses/index.ts';
import { METRICS } from './metrics/index.ts';
import { OPTIMIZERS } from './optimizers/index.ts';
import { SCHEDULES } from './schedules/index.ts';
import { FORMS, INPUT_DTYPE, INPUT_SHAPE } from './spec/check-inputs.ts';
import { INBOUND } from './spec/check-layer.ts';
import { TRAINING, typedSchema } from './spec/training-schema.ts';

/** One row of a table of the engine, as the API shows it. */
export interface CatalogEntry {
  readonly type: string;
  readonly summary: string;
  /** Link to the paper. */
  readonly source?: string;
  /** JSON Schema of what is posted, with defaults. */
  readonly schema: JsonSchema;
}

export type CatalogKind = 'layers' | 'activations' | 'losses' | 'optimizers' | 'initializers' | 'metrics' | 'schedules';

interface Described {
  readonly summary: string;
  readonly source?: string;
}

/** Everything a spec and its training can be made of. */
export function catalog(): Record<CatalogKind, CatalogEntry[]> {
  return {
    layers: entries(LAYERS, layerSchema),
    activations: entries(ACTIVATIONS, ({ options }) => options),
    losses: entries(LOSSES, typedSchema),
    optimizers: entries(OPTIMIZERS, typedSchema),
    initializers: entries(INITIALIZERS, noOptions),
    metrics: entries(METRICS, typedSchema),
    schedules: entries(SCHEDULES, typedSchema),
  };
}

/** JSON Schema of a spec, for documentation: `checkSpec` is the check. */
export function modelSpecSchema(): TSchema {
  return documentation({
    title: 'ModelSpec',
    description:
      'A network: a list of layers, each feeding the next; or, with `inputs` and `outputs`, a graph in which `inbound` of each layer names what feeds it.',
    type: 'object',
    properties: {
      input_shape: INPUT_SHAPE,
      input_dtype: readSchema(INPUT_DTYPE),
      inputs: readSchema(FORMS.functional.properties.inputs),
      layers: {
        type: 'array',
        minItems: 1,
        items: { oneOf: Object.values(LAYERS).map(layerInSpec), discriminator: { propertyName: 'type' } },
      },
      outputs: FORMS.functional.properties.outputs,
    },
    required: ['layers'],
    additionalProperties: false,
  });
}

/** A layer with the field that only graphs have. */
function layerInSpec(definition: LayerDefinition): JsonSchema {
  const { anyOf, properties, ...schema } = readSchema(layerSchema(definition));
  const withInbound = (branch: JsonSchema): JsonSchema => ({ ...branch, properties: { ...branch.properties, inbound: INBOUND } });
  return { ...schema, ...(properties && withInbound({ properties })), ...(anyOf && { anyOf: anyOf.map(withInbound) }) };
}

/** JSON Schema of training options, for documentation: `checkTraining` is the check. */
export function trainingSchema(): TSchema {
  return documentation(readSchema(TRAINING));
}

function documentation(schema: JsonSchema): TSchema {
  return Type.Unsafe({ ...withoutDefaultedRequired(schema), 'x-checked-separately': true });
}

function entries<Entry extends Described>(table: Readonly<Record<string, Entry>>, schemaOf: (entry: Entry) => TSchema): CatalogEntry[] {
  return Object.entries(table).map(([type, entry]) => ({
    type,
    summary: entry.summary,
    ...(entry.source !== undefined && { source: entry.source }),
    schema: withoutDefaultedRequired(readSchema(schemaOf(entry))),
  }));
}

function noOptions(): TSchema {
  return Type.Object({}, { additionalProperties: false });
}

/** In our tables a property with a default may be left out; JSON Schema says that by leaving it out of `required`. */
function withoutDefaultedRequired(schema: JsonSchema): JsonSchema {
  const { properties, required, items, anyOf, oneOf, ...rest } = schema;
  const needed = (required ?? []).filter((name) => properties?.[name]?.default === undefined);
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, withoutDefaultedRequired(of)])),
    }),
    ...(needed.length > 0 && { required: needed }),
    ...(items && { items: withoutDefaultedRequired(items) }),
    ...(anyOf && { anyOf: anyOf.map(withoutDefaultedRequired) }),
    ...(oneOf && { oneOf: oneOf.map(withoutDefaultedRequired) }),
  };
}
