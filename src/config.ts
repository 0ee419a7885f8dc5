import { isIPv4 } from 'node:net';
import { CONFIG_TABLE, describeValues, type Variable, type VariableName } from './config-table.ts';

export { CONFIG_TABLE, describeValues } from './config-table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

type ValueOf<V> = V extends { kind: 'integer' }
  ? number
  : V extends { kind: 'choice'; choices: readonly (infer C)[] }
    ? C
    : V extends { fallback: string }
      ? string
      : string | null;

type Values = { readonly [K in VariableName]: ValueOf<(typeof CONFIG_TABLE)[K]> };

/** The configuration of a process, checked and frozen. */
export interface Config {
  readonly role: Values['ROLE'];
  readonly dataDir: string;
  /** Null: an embedded server. */
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
  readonly queue: Values['QUEUE'];
  readonly logLevel: Values['LOG_LEVEL'];
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Whether requests need a key. */
    readonly auth: boolean;
    /** Whether only this machine can reach the server. */
    readonly loopback: boolean;
    readonly apiKey: string | null;
  };
  readonly worker: {
    readonly concurrency: number;
    readonly leaseSeconds: number;
    readonly silenceSeconds: number;
    readonly shutdownGraceSeconds: number;
  };
  readonly checkpoints: { readonly days: number; readonly bytesMax: number };
  readonly engine: { readonly backend: Values['ENGINE_BACKEND'] };
  readonly limits: Limits;
}

/** What a request may ask for at most; each is told in the reply of a request that passes it. */
export interface Limits {
  readonly bodyBytesMax: number;
  readonly uploadBytesMax: number;
  readonly rowsMax: number;
  readonly columnsMax: number;
  readonly layersMax: number;
  readonly parametersMax: number;
  readonly epochsMax: number;
  readonly predictRowsMax: number;
  readonly datasetMemoryBytes: number;
  readonly arenaBytesMax: number;
}

export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `the environment has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Reads the whole configuration, or throws a ConfigError that lists every fault. An empty variable counts as absent. */
export function loadConfig(env: Environment): Config {
  const faults: string[] = [];
  const values = readValues(env, faults);
  faults.push(...combinationFaults(values));
  if (faults.length > 0) throw new ConfigError(faults);
  return configOf(values);
}

/** Whether an address to listen on can be reached from this machine only. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function readValues(env: Environment, faults: string[]): Values {
  const values: Record<string, string | number | null> = {};
  for (const [name, variable] of Object.entries<Variable>(CONFIG_TABLE)) {
    const text = env[name];
    if (text === undefined || text === '') {
      values[name] = variable.fallback;
      continue;
    }
    const value = readValue(text, variable);
    if (value === null) faults.push(`${name} must be ${describeValues(variable)}, received ${shown(text, variable)}`);
    values[name] = value ?? variable.fallback;
  }
  return values as Values; // By the table the values were read with.
}

/** The value, or null when the text is not one. */
function readValue(text: string, variable: Variable): string | number | null {
  switch (variable.kind) {
    case 'integer': {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= variable.min && value <= variable.max ? value : null;
    }
    case 'choice':
      return variable.choices.includes(text) ? text : null;
    case 'text':
      return text.length >= variable.lengthMin && text.trim() === text ? text : null;
    case 'url':
      return variable.protocols.includes(URL.parse(text)?.protocol ?? '') ? text : null;
    default:
      return variable satisfies never;
  }
}

function shown(text: string, variable: Variable): string {
  return variable.secret === true ? 'something else (not shown: it may be a secret)' : JSON.stringify(text);
}

/** Values that are fine by themselves and not together. */
function combinationFaults(values: Values): string[] {
  const faults: string[] = [];
  if (values.ROLE !== 'worker' && values.AUTH === 'off' && !isLoopback(values.HOST)) {
    faults.push(`AUTH must not be off while HOST is ${JSON.stringify(values.HOST)}: everybody on the network could use the server`);
  }
  if (values.ROLE !== 'all' && values.DATABASE_URL === null) faults.push(`DATABASE_URL must be set for the role ${values.ROLE}`);
  if (values.ROLE !== 'all' && values.QUEUE === 'redis' && values.REDIS_URL === null) {
    faults.push(`REDIS_URL must be set for the role ${values.ROLE} with QUEUE=redis`);
  }
  return faults;
}

function configOf(values: Values): Config {
  const loopback = isLoopback(values.HOST);
  return Object.freeze({
    role: values.ROLE,
    dataDir: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    queue: values.QUEUE,
    logLevel: values.LOG_LEVEL,
    http: Object.freeze({
      host: values.HOST,
      port: values.PORT,
      auth: values.AUTH === 'on' || (values.AUTH === 'auto' && !loopback),
      loopback,
      apiKey: values.API_KEY,
    }),
    worker: Object.freeze({
      concurrency: values.WORKER_CONCURRENCY,
      leaseSeconds: values.LEASE_SECONDS,
      silenceSeconds: values.QUEUE_SILENCE_SECONDS,
      shutdownGraceSeconds: values.SHUTDOWN_GRACE_SECONDS,
    }),
    checkpoints: Object.freeze({ days: values.CHECKPOINT_DAYS, bytesMax: values.CHECKPOINT_BYTES_MAX }),
    engine: Object.freeze({ backend: values.ENGINE_BACKEND }),
    limits: Object.freeze({
      bodyBytesMax: values.BODY_BYTES_MAX,
      uploadBytesMax: values.UPLOAD_BYTES_MAX,
      rowsMax: values.ROWS_MAX,
      columnsMax: values.COLUMNS_MAX,
      layersMax: values.LAYERS_MAX,
      parametersMax: values.PARAMETERS_MAX,
      epochsMax: values.EPOCHS_MAX,
      predictRowsMax: values.PREDICT_ROWS_MAX,
      datasetMemoryBytes: values.DATASET_MEMORY_BYTES,
      arenaBytesMax: values.ARENA_BYTES_MAX,
    }),
  });
}
