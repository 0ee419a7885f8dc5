// Who may import whom. Run by `npm run check`; README.md draws the same picture in words.
const code = '^(src|workers)/';

/** Modules matching `from` may reach only `allowed` among our own files. */
const only = (name, from, allowed) => ({ name, severity: 'error', from: { path: from }, to: { path: code, pathNot: allowed } });
/** The package has one home. */
const home = (name, pkg, where) => ({ name, severity: 'error', from: { path: code, pathNot: where }, to: { path: pkg } });

const features = '(admin|api-keys|catalog|datasets|deployments|fleet|jobs|models)';

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-dev-deps',
      severity: 'error',
      from: { path: code },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'not-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: 'build/alma\\.node$' } },
    only('engine-is-closed', '^src/engine/', '^src/engine/'),
    {
      name: 'engine-deps',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional'], pathNot: 'node_modules/typebox/' },
    },
    {
      name: 'engine-no-io',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '^src/engine/backends/(native|wasm)\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'engine-front-door',
      severity: 'error',
      from: { path: code, pathNot: '^src/engine/' },
      to: { path: '^src/engine/', pathNot: '^src/engine/index\\.ts$' },
    },
    home('prisma-home', '(^src/db/generated/|node_modules/@prisma/)', '(^src/db/|-store\\.ts$)'),
    home(
      'fastify-home',
      'node_modules/(fastify|@fastify|fastify-plugin)/',
      '(^src/app\\.ts$|^src/http/|-(request|routes|schema|reply)\\.ts$)',
    ),
    home('bullmq-home', 'node_modules/bullmq/', '^src/queue/'),
    home('redis-home', 'node_modules/ioredis/', '^src/(queue|runtime)/'),
    home('piscina-home', 'node_modules/piscina/', '^src/threads/'),
    {
      name: 'routes-call-services',
      severity: 'error',
      from: { path: '-routes\\.ts$' },
      to: { path: '(-store\\.ts$|^src/(db|queue|threads)/)', pathNot: '^src/http/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'services-know-no-http',
      severity: 'error',
      from: { path: '-(service|store)\\.ts$' },
      to: { path: '(-routes\\.ts$|^src/http/(?!pagination|idempotency)|^src/app\\.ts$)' },
    },
    {
      name: 'stores-are-private',
      severity: 'error',
      from: { path: `^src/${features}/` },
      to: { path: `^src/${features}/.*-(store|routes)\\.ts$`, pathNot: '^src/$1/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    exclude: { path: '^src/db/generated/' },
  },
};
