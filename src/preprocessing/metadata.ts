import Type, { type Static } from 'typebox';
import { checkSchema } from '../engine/index.ts';
import { type Label, type Preprocessing, RELATIVE } from './preprocessing.ts';

const LabelValue = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const OrNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const Feature = Type.Object({
  name: Type.String(),
  type: Type.Enum(['number', 'integer', 'category', 'boolean', 'datetime', 'text', 'sequence']),
  encode: Type.Enum(['standardize', 'minmax', 'one_hot', 'index', 'none']),
  mean: OrNull(Type.Number()),
  std: OrNull(Type.Number()),
  min: OrNull(Type.Number()),
  max: OrNull(Type.Number()),
  categories: OrNull(Type.Array(LabelValue)),
  missing: Type.Enum(['error', 'mean', 'median', 'mode', 'constant', 'interpolate']),
  fill: OrNull(LabelValue),
  unknown: Type.Enum(['error', 'bucket', 'mode']),
  mode: OrNull(LabelValue),
  position: Type.Integer({ minimum: 0 }),
  width: Type.Integer({ minimum: 0 }),
});

const Target = Type.Union([
  Type.Object({ kind: Type.Literal('classes'), column: Type.String(), labels: Type.Array(LabelValue) }),
  Type.Object({
    kind: Type.Literal('numbers'),
    columns: Type.Array(Type.Object({ name: Type.String(), mean: Type.Number(), std: Type.Number() })),
  }),
]);

const Window = Type.Object({
  history: Type.Integer({ minimum: 1 }),
  horizon: Type.Integer({ minimum: 1 }),
  stride: Type.Integer({ minimum: 1 }),
  order_by: OrNull(Type.String()),
  relative: Type.Enum([...RELATIVE]),
  targets: Type.Array(Type.String()),
});

/** Preprocessing as JSON: what a model version keeps, and the entries of its weights file. */
export const PreprocessingMetadata = Type.Object({
  preprocessing: Type.Array(Feature),
  target: Target,
  outputs: Type.Optional(Type.Array(Type.Object({ name: Type.String(), target: Target }), { minItems: 1 })),
  window: Type.Optional(Window),
});
export type PreprocessingMetadata = Static<typeof PreprocessingMetadata>;

/** Preprocessing as JSON. JSON numbers are shortest-round-trip doubles, so nothing is lost on the way. */
export function toMetadata({ features, target, outputs, window }: Preprocessing): PreprocessingMetadata {
  const further = { ...(outputs && { outputs }), ...(window && { window }) };
  return structuredClone({ preprocessing: features, target, ...further }) as PreprocessingMetadata;
}

/** The preprocessing that was written as this JSON; anything else throws. */
export function fromMetadata(metadata: unknown): Preprocessing {
  const [fault] = checkSchema(PreprocessingMetadata, metadata);
  if (fault !== undefined) throw new Error(`not preprocessing metadata: ${fault.pointer} ${fault.detail}`);
  const { preprocessing, target, outputs, window } = metadata as PreprocessingMetadata;
  return { features: preprocessing, target, ...(outputs && { outputs }), ...(window && { window }) };
}

/** Class labels in the order of the network's outputs, or null for numbers. */
export function labelsOf({ target }: Preprocessing): readonly Label[] | null {
  return target.kind === 'classes' ? target.labels : null;
}
