import { jsonTypeOf } from './encode-instances.ts';
import { type FeatureTransform, type Preprocessing, stepWidth } from './preprocessing.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

interface Tensor {
  readonly dtype: 'float32';
  readonly shape: readonly [null, number];
}

/** What a model takes and gives: JSON Schemas of an instance and a prediction, and the tensors behind them. */
export interface Signature {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly tensors: {
    readonly input: { readonly dtype: 'float32'; readonly shape: readonly (number | null)[] };
    /** The first output. */
    readonly output: Tensor;
    /** All of several outputs, by name. */
    readonly outputs?: Readonly<Record<string, Tensor>>;
  };
}

/** The signature of a model with this preprocessing; `widths`: units of its outputs. */
export function signature(preprocessing: Preprocessing, widths: readonly number[]): Signature {
  const { features, outputs, window } = preprocessing;
  const tensor = (output: number): Tensor => ({ dtype: 'float32', shape: [null, widths[output] ?? 0] });
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
    output: outputs
      ? objectOf({ outputs: objectOf(Object.fromEntries(outputs.map((output) => [output.name, outputSchema(output)]))) })
      : outputSchema(preprocessing),
    tensors: {
      input: { dtype: 'float32', shape: window === undefined ? [null, rowWidth] : [null, window.history, rowWidth] },
      output: tensor(0),
      ...(outputs && { outputs: Object.fromEntries(outputs.map(({ name }, i) => [name, tensor(i)])) }),
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

function outputSchema({ target }: Pick<Preprocessing, 'target'>): JsonSchema {
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
