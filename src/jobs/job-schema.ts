import Type from 'typebox';
import { modelSpecSchema, trainingSchema } from '../engine/index.ts';
import { pagingProperties } from '../http/pagination.ts';
import { Id, Name, Nullable, StrictObject, Timestamp } from '../http/schemas.ts';
import { JOB_KINDS, TrainingRequestBody } from '../training/training-request.ts';
import { JOB_STATUSES, STOP_REASONS } from './job-state.ts';
import { JOB_WISHES } from './lifecycle/job-life.ts';

const WAIT_SECONDS_MAX = 60;

export const jobParams = StrictObject({ id: Id('job') });

/** Documents the body of `POST /v1/jobs`; the job service checks it together with the dataset it names. */
export const createJobBody = Type.Object(
  { ...TrainingRequestBody.properties, spec: Type.Optional(modelSpecSchema()), training: Type.Optional(trainingSchema()) },
  {
    title: 'JobRequest',
    additionalProperties: false,
    examples: [
      {
        spec: {
          layers: [
            { type: 'dense', units: 16, activation: 'relu' },
            { type: 'dense', units: 3, activation: 'softmax' },
          ],
        },
        dataset: 'ds_01J00000000000000000000000',
        target: 'species',
        training: { epochs: 60, optimizer: { type: 'adam', learning_rate: 0.01 } },
        on_success: { model: 'iris-mlp' },
      },
      {
        kind: 'lr_range_test',
        spec: { layers: [{ type: 'dense', units: 3, activation: 'softmax' }] },
        dataset: 'ds_01J00000000000000000000000',
        target: 'species',
        training: { optimizer: { type: 'sgd' } },
      },
      {
        kind: 'evaluation',
        spec: { layers: [{ type: 'dense', units: 3, activation: 'softmax' }] },
        features: ['petal_length'],
        initial_weights: { 'dense/kernel': [[0, 1, 2]], 'dense/bias': [0, -2.5, -7.5] },
        dataset: 'ds_01J00000000000000000000000',
        target: 'species',
      },
    ],
  },
);

export const retryBody = StrictObject(
  {
    from: Type.Optional(Type.Enum(['checkpoint', 'start'], { default: 'checkpoint', description: 'Where it goes on.' })),
  },
  { examples: [{ from: 'checkpoint' }] },
);

export const forkBody = StrictObject(
  {
    checkpoint: Type.Optional(Id('checkpoint', 'One of the job; without it the newest.')),
    patch: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Merged into the request of the job (RFC 7396): null removes, lists are replaced.',
      }),
    ),
  },
  { examples: [{ checkpoint: 'ckpt_01J00000000000000000000000', patch: { training: { epochs: 200 } } }] },
);

export const jobListQuery = StrictObject({
  ...pagingProperties(),
  status: Type.Optional(Type.Enum([...JOB_STATUSES], { description: 'Only jobs in this state.' })),
  kind: Type.Optional(Type.Enum([...JOB_KINDS])),
  model: Type.Optional(Name('Only jobs that train this model.')),
  dataset: Type.Optional(Id('dataset', 'Only jobs on this dataset.')),
});

export const jobQuery = StrictObject({
  wait: Type.Optional(
    Type.Number({ minimum: 0, maximum: WAIT_SECONDS_MAX, description: 'Seconds to wait for the next change of status or epoch.' }),
  ),
});

export const eventHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'The stream goes on after the event with this id.' })),
});

const Metrics = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Values by name; one that is not finite is null, and `non_finite` says which it was.',
});

export const EpochReply = Type.Object(
  { epoch: Type.Integer(), step: Type.Integer(), metrics: Metrics, learning_rate: Type.Number(), seconds: Type.Number() },
  { title: 'Epoch' },
);

export const RowPredictionReply = Type.Object(
  {
    row: Type.Integer({ description: 'Counts from 0.' }),
    prediction: Type.Record(Type.String(), Type.Unknown(), { description: 'As `predict` answers it, with probabilities of classes.' }),
    target: Type.Record(Type.String(), Type.Unknown(), { description: 'What the row itself holds, by column.' }),
  },
  { title: 'RowPrediction' },
);

const NumberOrNull = (description: string) => Nullable(Type.Number({ description }));

export const DiagnosticsReply = Type.Object(
  {
    epoch: Type.Integer(),
    step: Type.Integer(),
    layers: Type.Array(
      Type.Object({
        layer: Type.String(),
        gradient_norm: NumberOrNull('Norm of the gradients of its weights; null without weights that learn.'),
        update_ratio: NumberOrNull('Norm of the update divided by that of the weights; about 0.001 is healthy.'),
        activation_mean: NumberOrNull('Mean of its outputs.'),
        activation_std: NumberOrNull('Standard deviation of its outputs.'),
        saturated: NumberOrNull('Share of outputs close to a limit of the activation, where it has limits.'),
        dead: NumberOrNull('Share of units that answer no row of the batch, where the activation can switch them off.'),
        non_finite: Type.Optional(Type.Record(Type.String(), Type.String())),
      }),
    ),
  },
  { title: 'EpochDiagnostics' },
);

export const EventReply = Type.Object(
  { id: Type.Integer({ description: 'Counts from 1 in each job.' }), event: Type.String(), data: Type.Unknown(), at: Timestamp },
  { title: 'JobEvent' },
);

export const JobReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('job'),
    kind: Type.Enum([...JOB_KINDS]),
    status: Type.Enum([...JOB_STATUSES]),
    stop_reason: Nullable(Type.Enum([...STOP_REASONS])),
    attempt: Type.Integer({ description: 'How often a worker has taken the job up.' }),
    queue_position: Nullable(Type.Integer({ description: 'From 1, while the job waits.' })),
    wish: Nullable(Type.Enum([...JOB_WISHES], { description: 'What you asked of it and its worker has not done yet.' })),
    retries: Type.Integer({ description: 'How often it was let go on after its end.' }),
    forked_from: Nullable(Type.Unknown({ description: '`job`, `checkpoint` and `epoch` it started from.' })),
    request: Type.Unknown({ description: 'The whole request with every default filled in.' }),
    progress: Type.Object({
      fraction: Type.Number(),
      epoch: Type.Integer(),
      epochs: Type.Integer(),
      step: Type.Integer(),
      steps: Type.Integer(),
      eta_seconds: Nullable(Type.Number()),
      samples_per_second: Nullable(Type.Number()),
    }),
    latest_metrics: Nullable(Metrics),
    best: Nullable(Type.Unknown({ description: '`epoch`, `metric`, `value` and `checkpoint` of the best epoch so far.' })),
    timeline: Type.Array(Type.Unknown(), { description: 'Every state the job was in, with its time.' }),
    warnings: Type.Array(
      Type.Object({ code: Type.String(), detail: Type.String(), pointer: Type.Optional(Type.String()), at: Timestamp }),
      { description: 'What its owner should know: of the request, and of what happened to the job.' },
    ),
    result: Nullable(
      Type.Unknown({
        description:
          'What the job gave; null until it has succeeded. Of a training `model`, `version`, `metrics`, `converged` and `weights_sha256`; of a range test `learning_rates`, a list of `learning_rate`, `loss` and `smoothed_loss`, and `suggested_learning_rate`, a tenth of the rate at which the smoothed loss is lowest, or null.',
      }),
    ),
    error: Nullable(Type.Unknown({ description: '`code`, `detail`, `errors` and `hint` of a failed job.' })),
    receipt: Type.Unknown({
      description:
        'Hashes and versions that make the result repeatable; `learning_rate` is the one that was used, where `auto` was asked for too.',
    }),
    created_at: Timestamp,
    links: Type.Record(Type.String(), Nullable(Type.String())),
  },
  { title: 'Job' },
);
