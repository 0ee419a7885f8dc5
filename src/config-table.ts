// Every variable of the environment, once: kind, default and help. The reader, the types and the page in the docs follow.
import { availableParallelism } from 'node:os';

/** How a variable is read, and how its values are described in a fault and in the docs. */
export type Variable = { readonly help: string; readonly secret?: boolean } & (
  | { readonly kind: 'integer'; readonly fallback: number; readonly min: number; readonly max: number; readonly shown?: string }
  | { readonly kind: 'choice'; readonly fallback: string; readonly choices: readonly string[] }
  | { readonly kind: 'text'; readonly fallback: string | null; readonly lengthMin: number; readonly shown?: string }
  | { readonly kind: 'url'; readonly fallback: null; readonly protocols: readonly string[]; readonly shown?: string }
);

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const CONFIG_TABLE = {
  ROLE: {
    kind: 'choice',
    fallback: 'all',
    choices: ['all', 'api', 'worker'],
    help: 'What this process does: answer HTTP (`api`), train (`worker`), or both, with the worker as a child process (`all`).',
  },
  HOST: { kind: 'text', fallback: '127.0.0.1', lengthMin: 1, help: 'The address to listen on.' },
  PORT: { kind: 'integer', fallback: 3000, min: 0, max: 65_535, help: 'The port to listen on. When it is busy a free one is taken.' },
  AUTH: {
    kind: 'choice',
    fallback: 'auto',
    choices: ['auto', 'on', 'off'],
    help: 'Whether requests need an API key. `auto` is off on a loopback address and on elsewhere; `off` is refused there.',
  },
  API_KEY: {
    kind: 'text',
    fallback: null,
    lengthMin: 16,
    secret: true,
    help: 'A key that is valid from the start. Others are made with `npm run api-key`.',
  },
  DATA_DIR: { kind: 'text', fallback: '.alma', lengthMin: 1, help: 'Where the embedded servers keep their data.' },
  DATABASE_URL: {
    kind: 'url',
    fallback: null,
    protocols: ['postgresql:', 'postgres:'],
    secret: true,
    shown: 'an embedded server under DATA_DIR',
    help: 'The PostgreSQL database. The roles `api` and `worker` need it.',
  },
  REDIS_URL: {
    kind: 'url',
    fallback: null,
    protocols: ['redis:', 'rediss:'],
    secret: true,
    shown: 'a private redis-server from PATH if there is one (role `all`)',
    help: 'The Redis of the queue.',
  },
  QUEUE: {
    kind: 'choice',
    fallback: 'auto',
    choices: ['auto', 'redis', 'postgres'],
    help: 'Where the queue lives. `auto` is Redis when there is one, else the database.',
  },
  WORKER_CONCURRENCY: {
    kind: 'integer',
    fallback: availableParallelism(),
    min: 1,
    max: 256,
    shown: 'the number of cores',
    help: 'Jobs a worker trains at once.',
  },
  LEASE_SECONDS: {
    kind: 'integer',
    fallback: 15,
    min: 3,
    max: 3600,
    help: 'After this many seconds without a sign of life of its worker a job is given to another one.',
  },
  SHUTDOWN_GRACE_SECONDS: {
    kind: 'integer',
    fallback: 10,
    min: 0,
    max: 10,
    help: 'A worker that is told to end finishes the epochs under way, so that they are kept, but gives a job back without it after so many seconds.',
  },
  CHECKPOINT_DAYS: {
    kind: 'integer',
    fallback: 7,
    min: 0,
    max: 36_500,
    help: 'After so many days an ended job keeps of its checkpoints only the newest one and those that are pinned.',
  },
  CHECKPOINT_BYTES_MAX: {
    kind: 'integer',
    fallback: 20 * GIB,
    min: 0,
    max: 1024 * GIB,
    help: 'Beyond so many bytes a project loses checkpoints of ended jobs, oldest first; never one that is pinned or that a failed or cancelled job would go on from. Pinned ones may take as many at most.',
  },
  QUEUE_SILENCE_SECONDS: {
    kind: 'integer',
    fallback: 60,
    min: 1,
    max: 3600,
    help: 'A worker that has a free slot and takes none of the waiting jobs for so many seconds is replaced.',
  },
  ENGINE_BACKEND: {
    kind: 'choice',
    fallback: 'auto',
    choices: ['auto', 'native', 'wasm', 'reference'],
    help: 'What the engine computes with: `native` (compiled here), `wasm` (comes with Alma, several times slower) or `reference` (very slow). `auto` is the first of these that works on this machine.',
  },
  LOG_LEVEL: {
    kind: 'choice',
    fallback: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    help: 'The least severe log lines to write.',
  },
  BODY_BYTES_MAX: { kind: 'integer', fallback: MIB, min: KIB, max: GIB, help: 'Bytes of a request body that is not an upload.' },
  UPLOAD_BYTES_MAX: { kind: 'integer', fallback: 100 * MIB, min: KIB, max: 64 * GIB, help: 'Bytes of an uploaded file.' },
  ROWS_MAX: { kind: 'integer', fallback: 1_000_000, min: 1, max: 2_000_000_000, help: 'Rows of a dataset.' },
  COLUMNS_MAX: { kind: 'integer', fallback: 10_000, min: 1, max: 1_000_000, help: 'Columns of a dataset.' },
  LAYERS_MAX: { kind: 'integer', fallback: 500, min: 1, max: 100_000, help: 'Layers of a model.' },
  PARAMETERS_MAX: { kind: 'integer', fallback: 100_000_000, min: 1, max: 10_000_000_000, help: 'Trainable numbers of a model.' },
  EPOCHS_MAX: { kind: 'integer', fallback: 100_000, min: 1, max: 1_000_000_000, help: 'Epochs of a job.' },
  PREDICT_ROWS_MAX: { kind: 'integer', fallback: 10_000, min: 1, max: 10_000_000, help: 'Rows of one predict request.' },
  DATASET_MEMORY_BYTES: {
    kind: 'integer',
    fallback: 512 * MIB,
    min: 64 * KIB,
    max: 1024 * GIB,
    help: 'Bytes of memory the data of a job may take, encoded rows included. Larger data is trained on from a temporary file under TMPDIR, to the same bits.',
  },
  ARENA_BYTES_MAX: {
    kind: 'integer',
    fallback: 2 * GIB,
    min: MIB,
    max: 1024 * GIB,
    help: 'Bytes of memory a job may train in: network, batches and data.',
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof CONFIG_TABLE;

/** The values a variable takes in words, for faults and the docs. */
export function describeValues(variable: Variable): string {
  switch (variable.kind) {
    case 'integer':
      return `an integer from ${variable.min} to ${variable.max}`;
    case 'choice':
      return `one of ${variable.choices.join(', ')}`;
    case 'text':
      return variable.lengthMin > 1 ? `a text of at least ${variable.lengthMin} characters` : 'a text';
    case 'url':
      return `a URL that begins with ${variable.protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
    default:
      return variable satisfies never;
  }
}
