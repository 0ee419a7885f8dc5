import Type from 'typebox';
import { modelSpecSchema, trainingSchema } from '../engine/index.ts';
import { Name, Nullable, nameParams, StrictObject, Timestamp } from '../http/schemas.ts';
import { ValidationBody } from '../training/training-request.ts';

const MODEL_NAME = 'The name you give the model.';

const EXAMPLE_SPEC = {
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};

export const createModelBody = StrictObject(
  { name: Name(MODEL_NAME), spec: modelSpecSchema() },
  { title: 'CreateModel', examples: [{ name: 'iris-mlp', spec: { input_shape: [4], ...EXAMPLE_SPEC } }] },
);

/** Documents the body of `POST /v1/models/validate`; the service checks it together with the dataset it names. */
export const validateBody = Type.Object(
  { ...ValidationBody.properties, spec: modelSpecSchema(), training: Type.Optional(trainingSchema()) },
  {
    title: 'ValidateSpec',
    additionalProperties: false,
    examples: [{ spec: { input_shape: [4], ...EXAMPLE_SPEC }, training: { epochs: 40 } }],
  },
);

export const modelParams = nameParams(MODEL_NAME);

export const versionParams = StrictObject({
  name: Name(MODEL_NAME),
  version: Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Number of the version, from 1.' }),
});

export const ModelReply = Type.Object(
  {
    object: Type.Literal('model'),
    name: Type.String(),
    spec: Type.Unknown({ description: 'The definition with every default filled in.' }),
    latest_version: Nullable(Type.Integer({ description: 'Number of the newest trained version.' })),
    created_at: Timestamp,
    updated_at: Timestamp,
    links: Type.Object({ self: Type.String(), versions: Type.String() }),
  },
  { title: 'Model' },
);

export const VersionReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('model_version'),
    model: Type.String(),
    version: Type.Integer(),
    job: Type.String({ description: 'Id of the job that trained it.' }),
    spec: Type.Unknown(),
    metrics: Type.Unknown(),
    preprocessing: Type.Unknown({ description: 'What was learned from the training rows: applied to every prediction.' }),
    signature: Type.Unknown({ description: 'JSON Schemas of one instance and of one prediction.' }),
    labels: Type.Unknown({ description: 'Class labels in the order of the outputs; null for numbers.' }),
    receipt: Type.Unknown(),
    weights_sha256: Type.String(),
    created_at: Timestamp,
    links: Type.Object({ self: Type.String(), weights: Type.String(), job: Type.String() }),
  },
  { title: 'ModelVersion' },
);

export const ValidationReply = Type.Object(
  {
    valid: Type.Boolean(),
    errors: Type.Array(Type.Unknown()),
    warnings: Type.Array(Type.Unknown()),
    layers: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.String(),
        output_shape: Type.Array(Type.Integer()),
        params: Type.Integer(),
        flops: Type.Number({ description: 'Floating-point operations of one row, forward.' }),
        receptive_field: Nullable(
          Type.Array(Type.Integer(), { description: 'Values of the input that one value of the layer sees, along each axis of a window.' }),
        ),
      }),
    ),
    total_params: Type.Integer(),
    memory_bytes: Nullable(
      Type.Number({ description: 'Bytes that the training takes: those of its network, and the data when there is one.' }),
    ),
    arena_bytes: Nullable(
      Type.Number({ description: 'Those of its network, exactly: the arena, the best weights it keeps, what diagnostics look at.' }),
    ),
    estimate: Nullable(Type.Object({ seconds_p50: Type.Number(), seconds_p90: Type.Number() })),
  },
  { title: 'Validation' },
);
