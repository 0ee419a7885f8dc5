import { AppError } from '../errors.ts';
import type { App } from '../http/app-type.ts';
import { createOnce, idempotencyHeaders } from '../http/idempotency.ts';
import type { IdempotencyStore } from '../http/idempotency-store.ts';
import { decodeCursor, type ListKind, longListQuery, page } from '../http/pagination.ts';
import { requestSignal } from '../http/request-signal.ts';
import { ListOf } from '../http/schemas.ts';
import { streamEvents } from '../http/sse.ts';
import { idPattern } from '../lib/ids.ts';
import { weightsQuery, weightsReplies, weightsReply } from '../models/weights-reply.ts';
import {
  createJobBody,
  DiagnosticsReply,
  EpochReply,
  eventHeaders,
  eventReplies,
  JobReply,
  jobListQuery,
  jobParams,
  jobQuery,
  RowPredictionReply,
} from './job-schema.ts';
import type { JobService } from './job-service.ts';
import { jobVerbRoutes } from './job-verb-routes.ts';
import { epochView, eventView, type JobView } from './job-view.ts';

const JOB_LIST: ListKind = { name: 'jobs', position: new RegExp(idPattern('job')) };
const EPOCH_LIST: ListKind = { name: 'epochs', position: /^\d{1,9}$/ };
const PREDICTION_LIST: ListKind = { name: 'predictions', position: /^\d{1,9}$/ };
const DIAGNOSTICS_LIST: ListKind = { name: 'diagnostics', position: /^\d{1,9}$/ };
const EVENT_LIST: ListKind = { name: 'events', position: /^\d{1,9}$/ };

export interface JobRoutesDeps {
  readonly jobs: JobService;
  readonly idempotency: IdempotencyStore;
}

/** Jobs: posting, watching, what can be asked of them, deleting, and what they leave behind. */
export async function jobRoutes(app: App, deps: JobRoutesDeps): Promise<void> {
  createRoute(app, deps);
  readRoutes(app, deps.jobs);
  deleteRoute(app, deps.jobs);
  await jobVerbRoutes(app, deps);
  progressRoutes(app, deps.jobs);
  diagnosticsRoute(app, deps.jobs);
  weightsRoute(app, deps.jobs);
  predictionsRoute(app, deps.jobs);
}

function createRoute(app: App, { jobs, idempotency }: JobRoutesDeps): void {
  app.post(
    '/v1/jobs',
    {
      config: { bodyCheckedByService: true },
      schema: {
        operationId: 'createJob',
        tags: ['jobs'],
        summary: 'Train a network on a dataset',
        headers: idempotencyHeaders,
        body: createJobBody,
        response: { 202: JobReply },
      },
    },
    (request, reply) =>
      createOnce(request, reply, { idempotency }, async (remember) => {
        const replyTo = (job: JobView) => ({ status: 202, headers: { location: job.links.self }, body: job });
        return replyTo(await jobs.create(request.project, request.body, (tx, job) => remember(tx, replyTo(job))));
      }),
  );
}

function readRoutes(app: App, jobs: JobService): void {
  app.get(
    '/v1/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        querystring: jobListQuery,
        response: { 200: ListOf(JobReply) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const rows = await jobs.list(request.project, filter, limit + 1, decodeCursor(JOB_LIST, cursor));
      return page(JOB_LIST, rows, limit, { positionOf: (job) => job.id, view: (job) => job });
    },
  );

  app.get(
    '/v1/jobs/:id',
    {
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'One job, on request at its next change',
        params: jobParams,
        querystring: jobQuery,
        response: { 200: JobReply },
      },
    },
    async (request, reply) => {
      const { wait } = request.query;
      if (wait === undefined) return jobs.get(request.project, request.params.id);
      return jobs.wait(request.project, request.params.id, wait, requestSignal(request, reply));
    },
  );
}

function deleteRoute(app: App, jobs: JobService): void {
  app.delete(
    '/v1/jobs/:id',
    { schema: { operationId: 'deleteJob', tags: ['jobs'], summary: 'Delete an ended job; its model versions stay', params: jobParams } },
    async (request, reply) => {
      await jobs.remove(request.project, request.params.id);
      return reply.code(204).send();
    },
  );
}

function progressRoutes(app: App, jobs: JobService): void {
  app.get(
    '/v1/jobs/:id/epochs',
    {
      schema: {
        operationId: 'listEpochs',
        tags: ['jobs'],
        summary: 'The epochs of a job, oldest first',
        params: jobParams,
        querystring: longListQuery,
        response: { 200: ListOf(EpochReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const rows = await jobs.epochs(request.project, request.params.id, limit + 1, Number(decodeCursor(EPOCH_LIST, cursor) ?? 0));
      return page(EPOCH_LIST, rows, limit, { positionOf: (row) => String(row.epoch), view: epochView });
    },
  );

  app.get(
    '/v1/jobs/:id/events',
    {
      schema: {
        operationId: 'listEvents',
        tags: ['jobs'],
        summary: 'The events of a job, oldest first; as a live stream with `Accept: text/event-stream`',
        params: jobParams,
        querystring: longListQuery,
        headers: eventHeaders,
        response: eventReplies,
      },
    },
    async (request, reply) => {
      const { project, params, query } = request;
      if (request.headers.accept?.includes('text/event-stream')) {
        const after = lastEventId(request.headers['last-event-id']);
        // 204 tells an EventSource not to come back.
        if (await jobs.isAllSeen(project, params.id, after)) return reply.code(204).send();
        return streamEvents(request, reply, (signal) => jobs.follow(project, params.id, after, signal));
      }
      const rows = await jobs.events(project, params.id, query.limit + 1, Number(decodeCursor(EVENT_LIST, query.cursor) ?? 0));
      return page(EVENT_LIST, rows, query.limit, { positionOf: (row) => String(row.seq), view: eventView });
    },
  );
}

function diagnosticsRoute(app: App, jobs: JobService): void {
  app.get(
    '/v1/jobs/:id/diagnostics',
    {
      schema: {
        operationId: 'listDiagnostics',
        tags: ['jobs'],
        summary: 'How each layer did after every epoch, oldest first, for a job posted with `diagnostics`',
        params: jobParams,
        querystring: longListQuery,
        response: { 200: ListOf(DiagnosticsReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = Number(decodeCursor(DIAGNOSTICS_LIST, cursor) ?? 0);
      const rows = await jobs.diagnostics(request.project, request.params.id, limit + 1, after);
      return page(DIAGNOSTICS_LIST, rows, limit, { positionOf: ({ epoch }) => String(epoch), view: (row) => row });
    },
  );
}

function lastEventId(header: string | undefined): number {
  if (header === undefined || header === '') return 0;
  if (!/^\d{1,9}$/.test(header)) {
    throw new AppError('invalid_request', { detail: 'Last-Event-ID must be the id of an event of this job.' });
  }
  return Number(header);
}

function predictionsRoute(app: App, jobs: JobService): void {
  app.get(
    '/v1/jobs/:id/predictions',
    {
      schema: {
        operationId: 'listPredictions',
        tags: ['jobs'],
        summary: "What the weights of a job say about the rows of its dataset, in the rows' order",
        params: jobParams,
        querystring: longListQuery,
        response: { 200: ListOf(RowPredictionReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const from = Number(decodeCursor(PREDICTION_LIST, cursor) ?? -1) + 1;
      const rows = await jobs.predictions(request.project, request.params.id, { from, to: from + limit + 1 });
      return page(PREDICTION_LIST, rows, limit, { positionOf: ({ row }) => String(row), view: (row) => row });
    },
  );
}

function weightsRoute(app: App, jobs: JobService): void {
  app.get(
    '/v1/jobs/:id/weights',
    {
      schema: {
        operationId: 'downloadJobWeights',
        tags: ['jobs'],
        summary: 'Download the weights a job trained',
        params: jobParams,
        querystring: weightsQuery,
        response: weightsReplies,
      },
    },
    (request, reply) =>
      weightsReply(request, reply, {
        weights: jobs.weights(request.project, request.params.id),
        format: request.query.format,
        fileName: request.params.id,
      }),
  );
}
