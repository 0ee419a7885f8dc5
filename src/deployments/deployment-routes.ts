import type { App } from '../http/app-type.ts';
import { decodeCursor, type ListKind, listQuery, page } from '../http/pagination.ts';
import { ListOf } from '../http/schemas.ts';
import { NAME_POSITION, readNamePosition, writeNamePosition } from '../lib/name-position.ts';
import { DeploymentReply, deploymentParams, PredictReply, predictBody, putBody } from './deployment-schema.ts';
import type { DeploymentService } from './deployment-service.ts';
import { deploymentView } from './deployment-view.ts';

const DEPLOYMENT_LIST: ListKind = { name: 'deployments', position: NAME_POSITION };

/** Serving trained versions under a name. */
export async function deploymentRoutes(app: App, { deployments }: { deployments: DeploymentService }): Promise<void> {
  app.put(
    '/v1/deployments/:name',
    {
      schema: {
        operationId: 'putDeployment',
        tags: ['deployments'],
        summary: 'Serve a model version under this name',
        description: 'The version served before goes on answering until the new one has been loaded and checked.',
        params: deploymentParams,
        body: putBody,
        response: { 200: DeploymentReply, 201: DeploymentReply },
      },
    },
    async (request, reply) => {
      const { model, version } = request.body;
      const { deployment, created } = await deployments.put(request.project, request.params.name, { model, version: version ?? null });
      return reply.code(created ? 201 : 200).send(deploymentView(deployment));
    },
  );

  app.get(
    '/v1/deployments',
    {
      schema: {
        operationId: 'listDeployments',
        tags: ['deployments'],
        summary: 'List deployments, newest first',
        querystring: listQuery,
        response: { 200: ListOf(DeploymentReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const rows = await deployments.list(request.project, limit + 1, readNamePosition(decodeCursor(DEPLOYMENT_LIST, cursor)));
      return page(DEPLOYMENT_LIST, rows, limit, { positionOf: writeNamePosition, view: deploymentView });
    },
  );

  app.get(
    '/v1/deployments/:name',
    {
      schema: {
        operationId: 'getDeployment',
        tags: ['deployments'],
        summary: 'One deployment',
        params: deploymentParams,
        response: { 200: DeploymentReply },
      },
    },
    async (request) => deploymentView(await deployments.get(request.project, request.params.name)),
  );

  app.delete(
    '/v1/deployments/:name',
    {
      schema: { operationId: 'deleteDeployment', tags: ['deployments'], summary: 'Stop serving under this name', params: deploymentParams },
    },
    async (request, reply) => {
      await deployments.remove(request.project, request.params.name);
      return reply.code(204).send();
    },
  );

  predictRoute(app, deployments);
}

function predictRoute(app: App, deployments: DeploymentService): void {
  app.post(
    '/v1/deployments/:name/predict',
    {
      schema: {
        operationId: 'predict',
        tags: ['deployments'],
        summary: 'Predict rows by column name',
        params: deploymentParams,
        body: predictBody,
        response: { 200: PredictReply },
      },
    },
    async (request) => {
      const { instances, return: wanted } = request.body;
      const probabilities = wanted === undefined || wanted.includes('probabilities');
      const answer = await deployments.predict(request.project, request.params.name, { instances, probabilities });
      return { ...answer, request_id: request.id };
    },
  );
}
