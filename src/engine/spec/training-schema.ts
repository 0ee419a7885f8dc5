import Type, { type Static, type TObject } from 'typebox';
import { LOSSES } from '../losses/index.ts';
import { METRICS, type MetricName } from '../metrics/index.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import { SCHEDULES } from '../schedules/index.ts';
import type { TypedOptions } from '../trainer/training.ts';

const THREADS_MAX = 64;
const BATCH_ROWS_MAX = 2 ** 31 - 1;
const EARLY_STOPPING_PATIENCE = 5;
const ADAM = { type: 'adam', learning_rate: 0.001 };

export const AUTO_LOSS = 'auto';

interface WithOptions {
  readonly type: string;
  readonly summary: string;
  readonly options: TObject;
}

/** A row of a table as posted: its own options next to the type. */
export function typedSchema({ type, summary, options }: WithOptions): TObject {
  return Type.Object(
    { type: Type.Literal(type), ...options.properties },
    { title: type, description: summary, additionalProperties: false },
  );
}

/** A row of a table by its type alone, or with options. */
function nameOrOptions<Name extends string>(table: Readonly<Record<Name, WithOptions>>, further: readonly string[] = []) {
  const rows: WithOptions[] = Object.values(table);
  return {
    oneOf: [
      { type: 'string', enum: [...further, ...Object.keys(table)] },
      ...rows.filter(({ options }) => Object.keys(options.properties).length > 0).map(typedSchema),
    ],
  };
}

function bound(description: string) {
  return Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], { default: null, description });
}

const EARLY_STOPPING = Type.Object(
  {
    metric: Type.Optional(
      Type.String({
        description: 'What has to improve: `loss` or a metric of this job, with `val_` on the validation part. Default `val_loss`.',
      }),
    ),
    patience: Type.Integer({
      minimum: 0,
      default: EARLY_STOPPING_PATIENCE,
      description: 'Epochs without improvement that are waited out.',
    }),
    min_delta: Type.Number({ minimum: 0, default: 0, description: 'Smaller improvements do not count.' }),
    restore_best: Type.Boolean({ default: true, description: 'End with the weights of the best epoch.' }),
  },
  { additionalProperties: false },
);

/** What one output of several has instead. */
const OUTPUT = Type.Object(
  {
    loss: Type.Optional(Type.Unsafe<string | TypedOptions>(nameOrOptions(LOSSES, [AUTO_LOSS]))),
    loss_weight: Type.Number({ minimum: 0, default: 1, description: 'Factor of its loss in the sum that is trained on.' }),
    metrics: Type.Optional(
      Type.Array(Type.Unsafe<MetricName | (TypedOptions & { type: MetricName })>(nameOrOptions(METRICS)), { uniqueItems: true }),
    ),
  },
  { additionalProperties: false },
);

/** Training options as posted. Which loss fits, which metric can be watched and how many epochs are allowed is checked beside it. */
export const TRAINING = Type.Object(
  {
    epochs: Type.Integer({ minimum: 1, description: 'Passes over the training rows.' }),
    batch_size: Type.Integer({ minimum: 1, maximum: BATCH_ROWS_MAX, default: 32, description: 'Rows of one update.' }),
    loss: Type.Unsafe<string | TypedOptions>({
      ...nameOrOptions(LOSSES, [AUTO_LOSS]),
      default: AUTO_LOSS,
      description: '`auto` takes the likelihood that belongs to the output layer and the target.',
    }),
    optimizer: Type.Unsafe<{ type: string; learning_rate: number | 'auto'; [option: string]: unknown }>({
      oneOf: Object.values(OPTIMIZERS).map(typedSchema),
      discriminator: { propertyName: 'type' },
      default: ADAM,
      description: 'How gradients change the weights.',
    }),
    metrics: Type.Optional(
      Type.Array(Type.Unsafe<MetricName | (TypedOptions & { type: MetricName })>(nameOrOptions(METRICS)), {
        uniqueItems: true,
        description: 'Reported beside the loss. Default: `accuracy` for classes, `mean_absolute_error` for numbers.',
      }),
    ),
    outputs: Type.Optional(
      Type.Record(Type.String(), OUTPUT, {
        description: 'For a network with several outputs: loss, its factor and metrics of one of them, by name.',
      }),
    ),
    schedule: Type.Unsafe<TypedOptions | null>({
      oneOf: [...Object.values(SCHEDULES).map(typedSchema), { type: 'null' }],
      default: null,
      description: 'How the learning rate changes over the job.',
    }),
    clip_value: bound('Each element of a gradient is held within plus and minus this.'),
    clip_norm: bound('The norm of the gradient of each weight is held below this.'),
    global_clip_norm: bound('The norm of all gradients together is held below this.'),
    class_weight: Type.Unsafe<Readonly<Record<string, number>> | null>({
      oneOf: [{ type: 'object', minProperties: 1, additionalProperties: { type: 'number', minimum: 0 } }, { type: 'null' }],
      default: null,
      description: 'Factor of the loss of each class; classes that are left out count 1.',
    }),
    sample_weight_column: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'Column with the factor of the loss of each row.',
    }),
    seed: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'Decides first weights, order and dropout.',
    }),
    shuffle: Type.Boolean({ default: true, description: 'Take the rows in a new order every epoch.' }),
    early_stopping: Type.Union([EARLY_STOPPING, Type.Null()], { default: null, description: 'End when nothing improves any more.' }),
    checkpoint: Type.Object(
      {
        every_epochs: Type.Integer({
          minimum: 1,
          default: 1,
          description: 'How often the whole state is kept to resume from.',
        }),
        every_seconds: Type.Union([Type.Number({ minimum: 0, maximum: 86_400 }), Type.Null()], {
          default: null,
          description:
            'Not more often than this either: after the next such epoch. Without it large states are kept no faster than 4 MB/s on average.',
        }),
        keep: Type.Integer({
          minimum: 1,
          maximum: 100,
          default: 2,
          description: 'How many of the newest stay, beside that of the best epoch and those that are pinned.',
        }),
      },
      {
        default: { every_epochs: 1, every_seconds: null, keep: 2 },
        description: 'What is kept to resume from.',
        additionalProperties: false,
      },
    ),
    threads: Type.Integer({
      minimum: 1,
      maximum: THREADS_MAX,
      default: 1,
      description:
        'Threads that share the work of a step, at most as many as the worker has cores. The result is the same bits for any number.',
    }),
    on_divergence: Type.Literal('stop', { default: 'stop', description: 'What happens when the loss is no longer finite.' }),
  },
  { title: 'Training', additionalProperties: false },
);

export type PostedTraining = Static<typeof TRAINING>;
