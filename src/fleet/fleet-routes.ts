import type { App } from '../http/app-type.ts';
import { decodeCursor, listQuery, page } from '../http/pagination.ts';
import { ListOf } from '../http/schemas.ts';
import { idPattern } from '../lib/ids.ts';
import { WorkerReply } from './fleet-schema.ts';
import type { FleetService } from './fleet-service.ts';
import type { LiveWorker } from './worker-store.ts';

const WORKERS = { name: 'workers', position: new RegExp(idPattern('worker')) };

/** `GET /v1/workers`. */
export async function workerRoutes(app: App, { fleet }: { fleet: Pick<FleetService, 'listLive'> }): Promise<void> {
  app.get(
    '/v1/workers',
    {
      schema: {
        operationId: 'listWorkers',
        summary: 'Worker processes that are alive',
        tags: ['operations'],
        querystring: listQuery,
        response: { 200: ListOf(WorkerReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const rows = await fleet.listLive(request.project, limit + 1, decodeCursor(WORKERS, cursor));
      return page(WORKERS, rows, limit, { positionOf: (worker) => worker.id, view: workerView });
    },
  );
}

function workerView({ jobIds, lastHeartbeatAt, id, pid, host, version, engine, backend, slots }: LiveWorker) {
  return { id, pid, host, version, engine, backend, slots, jobs: [...jobIds], last_heartbeat_at: lastHeartbeatAt.toISOString() };
}
