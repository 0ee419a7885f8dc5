import Type from 'typebox';
import { AppError, ERRORS, type ErrorCode } from '../errors.ts';
import type { App } from './app-type.ts';
import { StrictObject } from './schemas.ts';

/** What must work for this process to take requests, by name. A check answers false or throws when it does not. */
export type Readiness = Readonly<Record<string, () => Promise<boolean>>>;

const IndexReply = Type.Object({ name: Type.String(), version: Type.String(), links: Type.Record(Type.String(), Type.String()) });
const ProblemTypeReply = Type.Object({ code: Type.String(), status: Type.Integer(), title: Type.String() });

const CHECK_MS = 2000;

/** Liveness, readiness, the index and the pages error types point to. Open to everybody. */
export async function healthRoutes(app: App, { readiness, version }: { readiness: Readiness; version: string }): Promise<void> {
  const open = { public: true };

  app.get(
    '/',
    {
      config: open,
      schema: { operationId: 'getIndex', tags: ['operations'], summary: 'Where to go from here', response: { 200: IndexReply } },
    },
    async () => ({
      name: 'Alma',
      version,
      links: {
        docs: '/docs',
        openapi: '/openapi.json',
        datasets: '/v1/datasets',
        models: '/v1/models',
        jobs: '/v1/jobs',
        deployments: '/v1/deployments',
      },
    }),
  );

  app.get(
    '/livez',
    {
      config: open,
      schema: {
        operationId: 'getLiveness',
        tags: ['operations'],
        summary: 'The process answers',
        response: { 200: Type.Object({ status: Type.Literal('alive') }) },
      },
    },
    async () => ({ status: 'alive' as const }),
  );

  app.get(
    '/readyz',
    {
      config: open,
      schema: {
        operationId: 'getReadiness',
        tags: ['operations'],
        summary: 'Everything this process depends on works',
        response: { 200: Type.Object({ status: Type.Literal('ready'), checks: Type.Record(Type.String(), Type.String()) }) },
      },
    },
    async () => {
      const checks = await runChecks(readiness);
      const failing = Object.keys(checks).filter((name) => checks[name] !== 'ok');
      if (failing.length === 0) return { status: 'ready' as const, checks };
      throw new AppError('not_ready', {
        detail: `Not ready: ${failing.join(', ')}.`,
        members: { checks },
        headers: { 'retry-after': '1' },
      });
    },
  );

  problemRoutes(app);
}

function problemRoutes(app: App): void {
  app.get(
    '/problems/:code',
    {
      config: { public: true },
      schema: {
        operationId: 'getProblemType',
        tags: ['operations'],
        summary: 'What an error code means',
        response: { 200: ProblemTypeReply },
        params: StrictObject({ code: Type.String({ pattern: '^[a-z_]{1,40}$' }) }),
      },
    },
    async (request, reply) => {
      const { code } = request.params;
      if (!isErrorCode(code)) throw new AppError('not_found', { detail: 'There is no such error code.' });
      const { status, title } = ERRORS[code];
      if (!request.headers.accept?.includes('text/html')) return { code, status, title };
      return reply
        .type('text/html; charset=utf-8')
        .send(`<!doctype html><title>${code}</title><h1>${title}</h1><p><code>${code}</code>, status ${status}.</p>`);
    },
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

async function runChecks(readiness: Readiness): Promise<Record<string, string>> {
  const results = await Promise.all(Object.entries(readiness).map(async ([name, check]) => [name, await answerOf(check)] as const));
  return Object.fromEntries(results);
}

async function answerOf(check: () => Promise<boolean>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, CHECK_MS, 'no answer');
  const answer = check().then(
    (good) => (good ? 'ok' : 'failing'),
    () => 'failing',
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
