import multipart from '@fastify/multipart';
import type { App } from '../http/app-type.ts';
import { createOnce, idempotencyHeaders } from '../http/idempotency.ts';
import type { IdempotencyStore } from '../http/idempotency-store.ts';
import { decodeCursor, type ListKind, listQuery, page } from '../http/pagination.ts';
import { ListOf } from '../http/schemas.ts';
import { idPattern } from '../lib/ids.ts';
import { readDatasetRequest } from './dataset-request.ts';
import {
  DatasetReply,
  datasetContent,
  datasetParams,
  datasetView,
  InspectionReply,
  ProblemsReply,
  RowsReply,
  renameBody,
  rowsQuery,
} from './dataset-schema.ts';
import type { DatasetService } from './dataset-service.ts';
import type { DatasetInfo } from './dataset-store.ts';

const DATASET_LIST: ListKind = { name: 'datasets', position: new RegExp(idPattern('dataset')) };
const ROW_LIST: ListKind = { name: 'rows', position: /^\d{1,12}$/ };

export interface DatasetRoutesDeps {
  readonly datasets: DatasetService;
  readonly idempotency: IdempotencyStore;
  readonly limits: { readonly uploadBytesMax: number };
}

/** Datasets: upload or post, inspect, list, look into, rename, delete. */
export async function datasetRoutes(app: App, deps: DatasetRoutesDeps): Promise<void> {
  // biome-ignore lint/nursery/noMisusedPromises: Fastify awaits asynchronous plugins; the rule takes the overload for callbacks.
  await app.register(async (scope) => {
    // Only these routes take forms: everywhere else multipart/form-data stays an unknown content type.
    await scope.register(multipart);
    formRoutes(scope, deps);
  });
  readRoutes(app, deps.datasets);
  contentRoutes(app, deps.datasets);
  changeRoutes(app, deps.datasets);
}

function formRoutes(app: App, deps: DatasetRoutesDeps): void {
  // The form is read by the handler; the check of bodies only has to let it pass.
  app.addHook('preValidation', async (request) => {
    if (request.isMultipart()) request.body = {};
  });
  createRoute(app, deps);
  inspectRoute(app, deps);
}

function createRoute(app: App, { datasets, idempotency, limits }: DatasetRoutesDeps): void {
  app.post(
    '/v1/datasets',
    {
      config: { bodyCheckedByService: true },
      schema: {
        operationId: 'createDataset',
        tags: ['datasets'],
        summary: 'Upload a CSV file, post rows, or take a built-in dataset',
        consumes: ['application/json', 'multipart/form-data'],
        headers: idempotencyHeaders,
        body: datasetContent,
        response: { 201: DatasetReply },
      },
    },
    async (request, reply) => {
      const wanted = await readDatasetRequest(request, limits);
      try {
        return await createOnce(request, reply, { idempotency, content: wanted.identity }, async (remember) => {
          const replyTo = (dataset: DatasetInfo) => {
            const body = datasetView(dataset);
            return { status: 201, headers: { location: body.links.self }, body };
          };
          return replyTo(await datasets.create(request.project, wanted, (tx, created) => remember(tx, replyTo(created))));
        });
      } finally {
        await wanted.close();
      }
    },
  );
}

function inspectRoute(app: App, { datasets, limits }: DatasetRoutesDeps): void {
  app.post(
    '/v1/datasets/inspect',
    {
      config: { bodyCheckedByService: true },
      schema: {
        operationId: 'inspectDataset',
        tags: ['datasets'],
        summary: 'Infer the schema and find every problem, without storing',
        consumes: ['application/json', 'multipart/form-data'],
        body: datasetContent,
        response: { 200: InspectionReply },
      },
    },
    async (request) => {
      const wanted = await readDatasetRequest(request, limits);
      try {
        const { rows, schema, faults } = await datasets.inspect(wanted);
        return { object: 'dataset_inspection', rows, schema, problems: faults };
      } finally {
        await wanted.close();
      }
    },
  );
}

function readRoutes(app: App, datasets: DatasetService): void {
  app.get(
    '/v1/datasets',
    {
      schema: {
        operationId: 'listDatasets',
        tags: ['datasets'],
        summary: 'List datasets, newest first',
        querystring: listQuery,
        response: { 200: ListOf(DatasetReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const rows = await datasets.list(request.project, limit + 1, decodeCursor(DATASET_LIST, cursor));
      return page(DATASET_LIST, rows, limit, { positionOf: (dataset) => dataset.id, view: datasetView });
    },
  );

  app.get(
    '/v1/datasets/:id',
    {
      schema: {
        operationId: 'getDataset',
        tags: ['datasets'],
        summary: 'One dataset with its schema',
        params: datasetParams,
        response: { 200: DatasetReply },
      },
    },
    async (request) => datasetView(await datasets.get(request.project, request.params.id)),
  );
}

function contentRoutes(app: App, datasets: DatasetService): void {
  app.get(
    '/v1/datasets/:id/rows',
    {
      schema: {
        operationId: 'listDatasetRows',
        tags: ['datasets'],
        summary: 'The rows, in file order',
        params: datasetParams,
        querystring: rowsQuery,
        response: { 200: RowsReply },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const from = Number(decodeCursor(ROW_LIST, cursor) ?? 0);
      const rows = await datasets.readRows(request.project, request.params.id, from, from + limit + 1);
      const numbered = rows.map((row, offset) => ({ row, next: from + offset + 1 }));
      return page(ROW_LIST, numbered, limit, { positionOf: ({ next }) => String(next), view: ({ row }) => row });
    },
  );

  app.get(
    '/v1/datasets/:id/problems',
    {
      schema: {
        operationId: 'listDatasetProblems',
        tags: ['datasets'],
        summary: 'Problems of the data: none, since data with problems is refused',
        params: datasetParams,
        response: { 200: ProblemsReply },
      },
    },
    async (request) => {
      await datasets.get(request.project, request.params.id);
      return { data: [], has_more: false, next_cursor: null };
    },
  );
}

function changeRoutes(app: App, datasets: DatasetService): void {
  app.patch(
    '/v1/datasets/:id',
    {
      schema: {
        operationId: 'renameDataset',
        tags: ['datasets'],
        summary: 'Give a dataset another name',
        params: datasetParams,
        body: renameBody,
        response: { 200: DatasetReply },
      },
    },
    async (request) => datasetView(await datasets.rename(request.project, request.params.id, request.body.name)),
  );

  app.delete(
    '/v1/datasets/:id',
    {
      schema: {
        operationId: 'deleteDataset',
        tags: ['datasets'],
        summary: 'Delete a dataset no running job uses; models trained on it stay',
        params: datasetParams,
      },
    },
    async (request, reply) => {
      await datasets.remove(request.project, request.params.id);
      return reply.code(204).send();
    },
  );
}
