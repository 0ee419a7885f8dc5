import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// Nothing is downloaded: the CLI runs the WebAssembly build of its schema engine, which comes from npm.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= fileURLToPath(new URL('./prisma/schema-engine.mjs', import.meta.url));

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgresql://postgres@127.0.0.1:5432/alma' },
});
