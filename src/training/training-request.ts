import Type, { type Static } from 'typebox';
import { DEFAULT_RANGE, type LearningRateRange, type ModelSpec, type Task, type TrainingOptions } from '../engine/index.ts';
import { idPattern, NAME_PATTERN } from '../lib/ids.ts';
import type { WindowOptions } from '../preprocessing/index.ts';
import type { OutputTarget } from './network-columns.ts';
import { SPLIT_STRATEGIES, type SplitOptions } from './split.ts';
import { WindowBody } from './window-request.ts';

/**
 * Kinds of job this version runs. An evaluation measures given weights on all rows, without a step of training; a range test
 * sweeps the learning rate over the first updates, and leaves a curve and no weights.
 */
export const JOB_KINDS = ['training', 'evaluation', 'lr_range_test'] as const;

type JobKind = (typeof JOB_KINDS)[number];

const TASKS = ['auto', 'classification', 'regression', 'forecasting'] as const;

/** What is to be learned; a forecast is a regression of what comes after a window of rows. */
export type JobTask = Task | 'forecasting';

const METADATA_PAIRS_MAX = 16;
/** Share of the rows evaluated after every epoch, unless a request says otherwise. */
export const DEFAULT_VALIDATION = 0.2;

const ColumnName = Type.String({ minLength: 1, maxLength: 200 });
const AnyObject = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });
const Fraction = (description: string, options: { default?: number }) =>
  Type.Number({ minimum: 0, exclusiveMaximum: 1, description, ...options });

/** How rows are divided, as posted. */
const SplitBody = Type.Object(
  {
    train: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Share of the rows to train on; without it all that the others leave.' }),
    ),
    validation: Type.Optional(Fraction('Share evaluated after every epoch.', { default: DEFAULT_VALIDATION })),
    test: Type.Optional(Fraction('Share evaluated once, at the end.', { default: 0 })),
    strategy: Type.Optional(
      Type.Enum([...SPLIT_STRATEGIES], {
        description: '`stratified` for classes, `time` for forecasts, else `random`; `time` holds out the last rows.',
      }),
    ),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "Without it the training's seed." })),
  },
  { additionalProperties: false },
);

/** The body of `POST /v1/jobs`. `spec` and `training` are checked by the engine, which knows layers, losses and optimizers. */
export const TrainingRequestBody = Type.Object(
  {
    kind: Type.Optional(
      Type.Enum([...JOB_KINDS], {
        default: 'training',
        description:
          '`evaluation` measures `initial_weights` on all rows. `lr_range_test` raises the learning rate from update to update, as `training.schedule` says or from 1e-5 to 10 in 100 updates; its result holds the losses and a suggestion.',
      }),
    ),
    model: Type.Optional(Type.String({ pattern: NAME_PATTERN, description: 'Name of a stored definition; or give `spec`.' })),
    spec: Type.Optional(AnyObject('The network itself; or give `model`.')),
    dataset: Type.String({ pattern: idPattern('dataset'), description: 'Id of the dataset to train on.' }),
    target: Type.Union([ColumnName, Type.Array(ColumnName, { minItems: 1, maxItems: 1000, uniqueItems: true })], {
      description:
        'The column to predict; several numeric ones as a list, or one for each output of a network with several, in their order.',
    }),
    task: Type.Optional(
      Type.Enum([...TASKS], {
        default: 'auto',
        description: '`auto`: the last layer decides, then the column. Of several outputs it is that of the first.',
      }),
    ),
    features: Type.Optional(
      Type.Array(ColumnName, {
        minItems: 1,
        uniqueItems: true,
        description: 'Columns to learn from; without it all but the target, which forecasts learn from too.',
      }),
    ),
    window: Type.Optional(WindowBody),
    split: Type.Optional(SplitBody),
    training: Type.Optional(
      AnyObject('Epochs, optimizer and the rest. Only an evaluation, of which loss and metrics count, and a range test can do without.'),
    ),
    initial_weights: Type.Optional(
      AnyObject(
        'Nested lists by `<layer>/<weight>`. A training starts from them; an evaluation needs all of them, and takes numbers as they are, not standardised.',
      ),
    ),
    diagnostics: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Keeps how each layer is doing after every epoch, for `GET …/diagnostics`, at the price of one more step per epoch.',
      }),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          max_seconds: Type.Optional(
            Type.Number({
              exclusiveMinimum: 0,
              description:
                'Training ends after so long with the best it has learned; without a whole epoch it fails. Counts from when a worker first takes the job up, with all waiting after that but pauses; a retry begins anew.',
            }),
          ),
          max_memory_bytes: Type.Optional(Type.Integer({ minimum: 1, description: 'The job is refused if it needs more.' })),
        },
        { additionalProperties: false },
      ),
    ),
    on_success: Type.Optional(
      Type.Object(
        {
          model: Type.String({ pattern: NAME_PATTERN, description: 'Adds a version to this model, which is created if absent.' }),
          deploy: Type.Optional(
            Type.String({
              pattern: NAME_PATTERN,
              description: 'Serves that version under this name at once, in place of what the name served before.',
            }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
    metadata: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 512 }), {
        maxProperties: METADATA_PAIRS_MAX,
        description: 'Your own notes, given back unchanged.',
      }),
    ),
  },
  { additionalProperties: false },
);

export type TrainingRequestBody = Static<typeof TrainingRequestBody>;

/** The body of `POST /v1/models/validate`. */
export const ValidationBody = Type.Object(
  {
    spec: Type.Unknown(),
    dataset: Type.Optional(TrainingRequestBody.properties.dataset),
    target: Type.Optional(TrainingRequestBody.properties.target),
    window: TrainingRequestBody.properties.window,
    training: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
);

/** A checked request with every default filled in: what a job keeps, shows and runs. Absent values are null. */
export interface TrainingRequest {
  readonly kind: JobKind;
  readonly model: string | null;
  readonly spec: ModelSpec;
  readonly dataset: string;
  /** One column, or several numeric ones. */
  readonly target: string | readonly string[];
  readonly task: JobTask;
  /** For a network with several outputs: what each learns to predict. */
  readonly outputs?: readonly OutputTarget[];
  readonly features: readonly string[];
  /** Null but for a forecast. */
  readonly window: WindowOptions | null;
  readonly split: SplitOptions;
  readonly training: TrainingOptions;
  /** Nested lists by name. */
  readonly initial_weights: Readonly<Record<string, unknown>> | null;
  readonly diagnostics: boolean;
  readonly limits: { readonly max_seconds: number | null; readonly max_memory_bytes: number | null };
  readonly on_success: { readonly model: string; readonly deploy: string | null } | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Updates a job takes, of `trainRows` rows. */
export function updatesOf({ kind, training }: Pick<TrainingRequest, 'kind' | 'training'>, trainRows: number): number {
  if (kind === 'lr_range_test') return learningRateRange(training).iterations;
  return Math.ceil(trainRows / training.batch_size) * training.epochs;
}

/** What a range test sweeps. */
export function learningRateRange({ schedule }: Pick<TrainingOptions, 'schedule'>): LearningRateRange {
  const { type: _, ...range } = { ...schedule };
  return { ...DEFAULT_RANGE, ...range };
}

/** The task as the engine, which knows no windows, is given it. */
export function engineTask(task: JobTask): Task {
  return task === 'forecasting' ? 'regression' : task;
}

/** Target columns as a list. */
export function targetColumns(target: string | readonly string[]): readonly string[] {
  return typeof target === 'string' ? [target] : target;
}

/** What the targets of the outputs after the first hold, as the engine plans for them. */
export function furtherTargets({ outputs = [] }: Pick<TrainingRequest, 'outputs'>): readonly ('classes' | 'numbers')[] {
  return outputs.slice(1).map(({ task }) => (task === 'classification' ? 'classes' : 'numbers'));
}
