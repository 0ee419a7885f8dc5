import Type from 'typebox';
import type { App } from '../http/app-type.ts';
import { decodeCursor, type ListKind, longListQuery, page } from '../http/pagination.ts';
import { ListOf, Timestamp } from '../http/schemas.ts';
import type { StoredEvent } from './event-store.ts';
import { jobParams } from './job-schema.ts';
import type { JobService } from './job-service.ts';

const LOG_LIST: ListKind = { name: 'logs', position: /^\d{1,9}$/ };

const LogReply = Type.Object(
  {
    id: Type.Integer({ description: 'Of the event that tells it.' }),
    level: Type.Enum(['info', 'warn', 'error']),
    message: Type.String(),
    at: Timestamp,
  },
  { title: 'LogLine' },
);

/** `GET /v1/jobs/{id}/logs`. */
export async function logRoutes(app: App, { jobs }: { jobs: Pick<JobService, 'logs'> }): Promise<void> {
  app.get(
    '/v1/jobs/:id/logs',
    {
      schema: {
        operationId: 'listLogs',
        tags: ['jobs'],
        summary: 'What workers said about a job, oldest first; live as `log` events',
        params: jobParams,
        querystring: longListQuery,
        response: { 200: ListOf(LogReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = Number(decodeCursor(LOG_LIST, cursor) ?? 0);
      const rows = await jobs.logs(request.project, request.params.id, limit + 1, after);
      return page(LOG_LIST, rows, limit, { positionOf: ({ seq }) => String(seq), view: logView });
    },
  );
}

function logView({ seq, data, at }: StoredEvent) {
  return { id: seq, ...data, at: at.toISOString() };
}
