import { jsonTypeOf } from './encode-instances.ts';
import { type FeatureTransform, type Preprocessing, stepWidth } from './preprocessing.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** What a model takes and gives: JSON Schemas of an instance and a prediction, and the tensors behind them. */
export interface Signature {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly tensors: {
    readonly input: { readonly dtype: 'float32'; readonly shape: readonly (number | null)[] };
    readonly output: { readonly dtype: 'float32'; readonly shape: readonly [null, number] };
  };
}

/** The signature of a model with this preprocessing and `outputWidth` output units. */
export function signature(preprocessing: Preprocessing, outputWidth: number): Signature {
  const { features, window } = preprocessing;
  const row = {
    type: 'object',
    properties: Object.fromEntries(features.map((feature) => [feature.name, valueSchema(feature)])),
    required: features.filter(({ missing }) => missing === 'error').map(({ name }) => name),
    additionalProperties: false,
  };
  const rowWidth = stepWidth(preprocessing);
  return {
    input:
      window === undefined
        ? row
        : { type: 'array', items: ordered(row, window.order_by), minItems: window.history, maxItems: window.history },
    output: outputSchema(preprocessing),
    tensors: {
      input: { dtype: 'float32', shape: window === undefined ? [null, rowWidth] : [null, window.history, rowWidth] },
      output: { dtype: 'float32', shape: [null, outputWidth] },
    },
  };
}

/** The column that orders the rows of a window may be given with them. */
function ordered<Row extends { readonly properties: Readonly<Record<string, JsonSchema>> }>(row: Row, orderBy: string | null): Row {
  return orderBy === null ? row : { ...row, properties: { [orderBy]: { type: ['string', 'number'] }, ...row.properties } };
}

function valueSchema(feature: FeatureTransform): JsonSchema {
  const type = jsonTypeOf(feature);
  const optional = feature.missing !== 'error';
  return {
    type: optional ? [type, 'null'] : type,
    ...(feature.type === 'sequence' && { items: { type: 'number' }, maxItems: feature.width }),
    ...(feature.type === 'datetime' && { format: 'date-time' }),
    ...(feature.type === 'category' &&
      feature.unknown === 'error' && { enum: [...(feature.categories ?? []), ...(optional ? [null] : [])] }),
  };
}

function outputSchema({ target }: Preprocessing): JsonSchema {
  const number = { type: ['number', 'null'] };
  if (target.kind === 'classes') {
    const names = target.labels.map(String);
    return objectOf({ label: { enum: target.labels }, probabilities: objectOf(Object.fromEntries(names.map((name) => [name, number]))) }, [
      'label',
    ]);
  }
  if (target.columns.length === 1) return objectOf({ value: number });
  return objectOf({ values: objectOf(Object.fromEntries(target.columns.map(({ name }) => [name, number]))) });
}

function objectOf(properties: Readonly<Record<string, JsonSchema>>, required = Object.keys(properties)): JsonSchema {
  return { type: 'object', properties, required };
}
