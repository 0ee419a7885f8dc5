import Type from 'typebox';
import { modelSpecSchema, trainingSchema } from '../engine/index.ts';
import { pagingProperties } from '../http/pagination.ts';
import { Id, ListOf, Name, Nullable, Problem, problemReply, StrictObject, Timestamp } from '../http/schemas.ts';
import { JOB_KINDS, TrainingRequestBody } from '../training/training-request.ts';
import type { JobEventType } from './event-store.ts';
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

/** What each type of event says. */
export const EVENT_TYPES = {
  status: 'The job has this `status` now, at this `attempt`; an end with its `stop_reason`.',
  epoch: 'An epoch is done: its row, as in the list of epochs. One computed again after an interruption is not told again.',
  checkpoint: 'A checkpoint was kept: `checkpoint` is its id, beside `epoch` and `step`.',
  warning: 'What the owner should know: `code`, `detail`, and a `pointer` where it is about the request.',
  log: 'A line of the log: `level` and `message`.',
  interrupted: 'The worker died or fell silent in this `attempt`: the job waits to be taken up again.',
  resumed: 'In this `attempt` a worker goes on from the checkpoint after `epoch`.',
  done: 'The job has ended, with `status` and `stop_reason`. The last one, unless the job is retried.',
} as const satisfies Record<JobEventType, string>;

/** What the stream sends beside them, of which no list tells. */
const STREAM_TYPES = { ...EVENT_TYPES, progress: '`progress` of the job as it is now, at most twice a second. Has no `id`.' };

function EventType(types: Readonly<Record<string, string>>) {
  const lines = Object.entries(types).map(([type, line]) => `- \`${type}\`: ${line}`);
  return Type.Enum(Object.keys(types), { description: lines.join('\n') });
}

const EventReply = Type.Object(
  { id: Type.Integer({ description: 'Counts from 1 in each job.' }), event: EventType(EVENT_TYPES), data: Type.Unknown(), at: Timestamp },
  { title: 'JobEvent' },
);

const EventStream = Type.String({
  description:
    'Server-Sent Events. Those there are after `Last-Event-ID` come first, the others as they happen; the stream ends with the job. ' +
    'A client that comes back with the `id` of the last event it saw misses none. Comments keep a silent connection open.',
  contentMediaType: 'text/event-stream',
  contentSchema: Type.Object(
    {
      id: Type.Optional(EventReply.properties.id),
      event: EventType(STREAM_TYPES),
      data: Type.Unknown({ description: 'JSON, in one line.' }),
    },
    { title: 'StreamedEvent', description: 'One event of the stream, by its fields.' },
  ),
});

const STREAM_EXAMPLE = `id: 4
event: epoch
data: {"epoch":1,"step":8,"metrics":{"loss":0.98,"val_loss":0.91},"learning_rate":0.01,"seconds":0.02}

event: progress
data: {"fraction":0.1,"epoch":1,"epochs":10,"step":8,"steps":80,"eta_seconds":0.2,"samples_per_second":6000}

`;

/** What `GET …/events` answers with, by what is asked for. */
export const eventReplies = {
  200: {
    description: 'A page of the events; with `Accept: text/event-stream` all of them, live',
    content: {
      'application/json': { schema: ListOf(EventReply) },
      'text/event-stream': { schema: EventStream, example: STREAM_EXAMPLE },
    },
  },
  204: Type.Null({ description: 'To a request for the stream: the job has ended, and nothing comes after `Last-Event-ID`' }),
};

const JobConflict = Type.Intersect(
  [
    Problem,
    Type.Object({
      job_status: Type.Enum([...JOB_STATUSES]),
      allowed: Type.Array(Type.String(), {
        description:
          'What can be asked instead, of `cancel`, `stop`, `pause`, `resume`, `retry from checkpoint`, `retry from start` and `fork`: what would change something.',
      }),
    }),
  ],
  { title: 'JobConflict' },
);

/** How it is refused what is asked of a job. */
export const askRefusals = { 409: problemReply('The state of the job does not allow it (`state_conflict`)', JobConflict) };

export const forkRefusals = {
  409: problemReply(
    'The job has no checkpoint to start from (`state_conflict`), or the Idempotency-Key was used with another body (`idempotency_conflict`)',
  ),
};

export const JobReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('job'),
    kind: Type.Enum([...JOB_KINDS]),
    status: Type.Enum([...JOB_STATUSES], { description: 'docs/jobs.md tells what each means and what can be asked then.' }),
    stop_reason: Nullable(Type.Enum([...STOP_REASONS], { description: 'Why it ended.' })),
    attempt: Type.Integer({ description: 'How often a worker has taken the job up.' }),
    queue_position: Nullable(
      Type.Integer({
        description:
          'From 1, while the job is `queued` or `interrupted`: by the age of all jobs of this server that are. One that was given back or retried may start later.',
      }),
    ),
    wish: Nullable(Type.Enum([...JOB_WISHES], { description: 'What you asked of it and its worker has not done yet.' })),
    retries: Type.Integer({ description: 'How often its owner had it retried.' }),
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
