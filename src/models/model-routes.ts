import type { App } from '../http/app-type.ts';
import { createOnce, idempotencyHeaders } from '../http/idempotency.ts';
import type { IdempotencyStore } from '../http/idempotency-store.ts';
import { decodeCursor, type ListKind, listQuery, page } from '../http/pagination.ts';
import { ListOf } from '../http/schemas.ts';
import { NAME_POSITION, readNamePosition, writeNamePosition } from '../lib/name-position.ts';
import type { TrainingCheckService } from '../training/training-check-service.ts';
import { createModelBody, ModelReply, modelParams, ValidationReply, VersionReply, validateBody, versionParams } from './model-schema.ts';
import type { ModelService } from './model-service.ts';
import { modelView, versionView } from './model-view.ts';
import { weightsQuery, weightsReplies, weightsReply } from './weights-reply.ts';

const MODEL_LIST: ListKind = { name: 'models', position: NAME_POSITION };
const VERSION_LIST: ListKind = { name: 'versions', position: /^[1-9]\d{0,9}$/ };

export interface ModelRoutesDeps {
  readonly models: ModelService;
  readonly trainingChecks: TrainingCheckService;
  readonly idempotency: IdempotencyStore;
}

/** Model definitions and their trained versions. */
export async function modelRoutes(app: App, { models, trainingChecks, idempotency }: ModelRoutesDeps): Promise<void> {
  app.post(
    '/v1/models',
    {
      config: { bodyCheckedByService: true },
      schema: {
        operationId: 'createModel',
        tags: ['models'],
        summary: 'Store a model definition after the full check',
        headers: idempotencyHeaders,
        body: createModelBody,
        response: { 201: ModelReply },
      },
    },
    (request, reply) =>
      createOnce(request, reply, { idempotency }, async (remember) => {
        const replyTo = (model: Parameters<typeof modelView>[0]) => ({
          status: 201,
          headers: { location: `/v1/models/${model.name}` },
          body: modelView(model),
        });
        return replyTo(await models.create(request.project, request.body, (tx, model) => remember(tx, replyTo(model))));
      }),
  );

  app.post(
    '/v1/models/validate',
    {
      config: { bodyCheckedByService: true },
      schema: {
        operationId: 'validateSpec',
        tags: ['models'],
        summary: 'Check a spec, alone or against a dataset: every fault, every layer, memory and time',
        body: validateBody,
        response: { 200: ValidationReply },
      },
    },
    (request) => trainingChecks.validate(request.project, request.body),
  );

  app.get(
    '/v1/models',
    {
      schema: {
        operationId: 'listModels',
        tags: ['models'],
        summary: 'List models, newest first',
        querystring: listQuery,
        response: { 200: ListOf(ModelReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const rows = await models.list(request.project, limit + 1, readNamePosition(decodeCursor(MODEL_LIST, cursor)));
      return page(MODEL_LIST, rows, limit, { positionOf: writeNamePosition, view: modelView });
    },
  );

  app.get(
    '/v1/models/:name',
    { schema: { operationId: 'getModel', tags: ['models'], summary: 'One model', params: modelParams, response: { 200: ModelReply } } },
    async (request) => modelView(await models.get(request.project, request.params.name)),
  );

  app.delete(
    '/v1/models/:name',
    { schema: { operationId: 'deleteModel', tags: ['models'], summary: 'Delete a model and its versions', params: modelParams } },
    async (request, reply) => {
      await models.remove(request.project, request.params.name);
      return reply.code(204).send();
    },
  );

  versionRoutes(app, models);
}

function versionRoutes(app: App, models: ModelService): void {
  app.get(
    '/v1/models/:name/versions',
    {
      schema: {
        operationId: 'listVersions',
        tags: ['models'],
        summary: 'List the trained versions of a model, newest first',
        params: modelParams,
        querystring: listQuery,
        response: { 200: ListOf(VersionReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const position = decodeCursor(VERSION_LIST, cursor);
      const before = position === null ? null : Number(position);
      const rows = await models.listVersions(request.project, request.params.name, limit + 1, before);
      return page(VERSION_LIST, rows, limit, { positionOf: (row) => String(row.version), view: versionView });
    },
  );

  app.get(
    '/v1/models/:name/versions/:version',
    {
      schema: {
        operationId: 'getVersion',
        tags: ['models'],
        summary: 'One trained version',
        params: versionParams,
        response: { 200: VersionReply },
      },
    },
    async (request) => versionView(await models.getVersion(request.project, request.params.name, request.params.version)),
  );

  app.get(
    '/v1/models/:name/versions/:version/weights',
    {
      schema: {
        operationId: 'downloadVersionWeights',
        tags: ['models'],
        summary: 'Download the weights of a version',
        params: versionParams,
        querystring: weightsQuery,
        response: weightsReplies,
      },
    },
    async (request, reply) => {
      const { name, version } = request.params;
      const weights = models.weights(request.project, name, version);
      return weightsReply(request, reply, { weights, format: request.query.format, fileName: `${name}-${version}` });
    },
  );
}
