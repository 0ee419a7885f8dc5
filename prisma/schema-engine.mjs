#!/usr/bin/env node
// Stand-in for Prisma's native schema-engine: same CLI + JSON-RPC-over-stdio
// contract, implemented with the official WASM build of the same engine.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bg from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { parse } from 'pg-connection-string';

const argv = process.argv.slice(2);
const opt = (name) => argv.flatMap((a, i) => (a === name ? [argv[i + 1]] : []));
const log = (level, fields) =>
  process.stderr.write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' })}\n`);

if (argv.includes('--version')) {
  const pkg = new URL('./package.json', import.meta.resolve('@prisma/schema-engine-wasm'));
  console.log(`schema-engine-wasm ${JSON.parse(readFileSync(pkg, 'utf8')).version}`);
  process.exit(0);
}

const datasource = JSON.parse(opt('--datasource')[0] ?? '{}');

// --- `cli can-connect-to-database` / `cli create-database` -------------------
const cli = argv.indexOf('cli');
if (cli >= 0) {
  log('INFO', { message: 'Starting schema engine CLI' });
  const url = new URL(datasource.url);
  const dbName = decodeURIComponent(url.pathname.slice(1));
  const connect = async (u) => {
    const c = new pg.Client({ connectionString: u.href });
    await c.connect();
    return c;
  };
  try {
    if (argv[cli + 1] === 'create-database') {
      const admin = new URL(url.href);
      admin.pathname = '/postgres';
      const c = await connect(admin);
      await c.query(`CREATE DATABASE ${c.escapeIdentifier(dbName)}`);
      await c.end();
    } else {
      await (await connect(url)).end();
    }
    log('INFO', { message: 'Connection successful' });
    process.exit(0);
  } catch (e) {
    const code = { '3D000': 'P1003', '28P01': 'P1000', 28000: 'P1010', '42P04': 'P1009' }[e.code] ?? 'P1001';
    log('ERROR', { message: `${e.message || e.code}`, error_code: code, is_panic: false });
    process.exit(1);
  }
}

// --- JSON-RPC mode ------------------------------------------------------------
globalThis.PRISMA_WASM_PANIC_REGISTRY = {
  message: '',
  get() {
    return this.message;
  },
  set_message(m) {
    this.message = `RuntimeError: ${m}`;
  },
};
const wasmPath = new URL('./schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'));
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasmPath)), { './schema_engine_bg.js': bg });
bg.__wbg_set_wasm(exports);
exports.__wbindgen_start();

const schema = datasource.url ? (new URL(datasource.url).searchParams.get('schema') ?? undefined) : undefined;
// Two repairs of adapter-pg. It cuts scripts at every ";", also inside the body of a function: send them whole, as the
// native engine does. And the describer reads catalog columns of type "char" (oid 18), which the adapter does not map.
const repair = (adapter) => {
  adapter.executeScript = async (script) => {
    try {
      await adapter.client.query(script);
    } catch (error) {
      adapter.onError(error);
    }
  };
  const { performIO, queryRaw } = adapter;
  const charColumns = new WeakMap();
  adapter.performIO = async (query) => {
    const result = await performIO.call(adapter, query);
    const columns = (result.fields ?? []).flatMap((field, i) => (field.dataTypeID === 18 ? [i] : []));
    for (const i of columns) result.fields[i].dataTypeID = 25;
    charColumns.set(query, columns);
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw.call(adapter, query);
    for (const i of charColumns.get(query)) result.columnTypes[i] = ColumnTypeEnum.Character;
    return result;
  };
  return adapter;
};
class SchemaPg extends PrismaPg {
  async connect() {
    return repair(await super.connect());
  }
  // adapter-pg's own version drops the shadow database while its pool is still connected.
  async connectToShadowDb() {
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const admin = await super.connect();
    await admin.executeScript(`CREATE DATABASE "${name}"`);
    const shadow = await new SchemaPg({ ...connection, database: name }, { schema }).connect();
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await admin.executeScript(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      await admin.dispose();
    };
    return shadow;
  }
}
// Discrete fields, not `connectionString`: the adapter opens the shadow database with { ...config, database },
// and node-postgres lets a connectionString override `database` - it would replay migrations on the MAIN database.
const { host, port, user, password, database, ssl } = parse(datasource.url ?? '');
const connection = { host, port: Number(port) || 5432, user, password, database, ...(ssl === undefined ? {} : { ssl }) };
const factory = bindMigrationAwareSqlAdapterFactory(new SchemaPg(connection, { schema }));
const files = opt('--datamodels').map((p) => [p, readFileSync(p, 'utf8')]);
const datamodels = files.length > 0 ? files : undefined;
// A Rust panic surfaces as a wasm trap outside the call's promise. Answer the request: left pending, the CLI exits 0 in silence.
let current;
process.on('uncaughtException', (e) => {
  if (current !== undefined) send(failure(current, { message: PRISMA_WASM_PANIC_REGISTRY.get() || e.message }));
  process.exitCode = 101;
});
let engine;
const getEngine = () => (engine ??= bg.SchemaEngine.new({ datamodels }, (m) => process.env.DEBUG && log('INFO', { message: m }), factory));

const send = (m) => process.stdout.write(`${JSON.stringify(m)}\n`);
const call = async ({ method, params }) => {
  if (method === 'getDatabaseVersion') return (await getEngine()).version(params);
  if (method === 'createDatabase') return { databaseName: new URL(datasource.url).pathname.slice(1) };
  const result = await (await getEngine())[method](params);
  if (method === 'diff' && result?.stdout) {
    // native engine prints through the host
    send({ jsonrpc: '2.0', id: `print-${Date.now()}`, method: 'print', params: { content: result.stdout.trimEnd() } });
  }
  return result ?? {};
};

const failure = (id, e) => ({
  jsonrpc: '2.0',
  id,
  error: { code: -32000, message: e.message, data: { is_panic: false, message: e.message, ...(e.code ? { error_code: e.code } : {}) } },
});
let queue = Promise.resolve();
const rl = createInterface({ input: process.stdin });
rl.on('line', (line) => {
  const msg = JSON.parse(line);
  if (!msg.method) return;
  queue = queue.then(async () => {
    current = msg.id;
    try {
      send({ jsonrpc: '2.0', id: msg.id, result: await call(msg) });
    } catch (e) {
      send(failure(msg.id, e.name === 'RuntimeError' ? { message: PRISMA_WASM_PANIC_REGISTRY.get() || e.message } : e));
    }
    current = undefined;
  });
});
rl.on('close', () => {
  void queue.finally(() => process.exit());
  if (process.exitCode === 101) process.exit();
});
