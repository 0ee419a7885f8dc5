import type { App } from '../http/app-type.ts';
import { decodeCursor, type ListKind, page } from '../http/pagination.ts';
import { ListOf } from '../http/schemas.ts';
import { weightsQuery, weightsReplies, weightsReply } from '../models/weights-reply.ts';
import { CheckpointReply, checkpointListQuery, checkpointParams, pinRefusals } from './checkpoint-schema.ts';
import type { CheckpointService } from './checkpoint-service.ts';
import type { StoredCheckpoint } from './checkpoint-store.ts';
import { jobParams } from './job-schema.ts';

const CHECKPOINT_LIST: ListKind = { name: 'checkpoints', position: /^\d{1,9}$/ };

/** The checkpoints of a job: which there are, what they hold, and which are to stay. */
export async function checkpointRoutes(app: App, { checkpoints }: { checkpoints: CheckpointService }): Promise<void> {
  app.get(
    '/v1/jobs/:id/checkpoints',
    {
      schema: {
        operationId: 'listCheckpoints',
        tags: ['jobs'],
        summary: 'The checkpoints of a job, newest first',
        params: jobParams,
        querystring: checkpointListQuery,
        response: { 200: ListOf(CheckpointReply) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const before = decodeCursor(CHECKPOINT_LIST, cursor);
      const rows = await checkpoints.list(request.project, request.params.id, limit + 1, before === null ? null : Number(before));
      return page(CHECKPOINT_LIST, rows, limit, { positionOf: ({ epoch }) => String(epoch), view: checkpointView });
    },
  );

  app.get(
    '/v1/jobs/:id/checkpoints/:checkpoint',
    {
      schema: {
        operationId: 'getCheckpoint',
        tags: ['jobs'],
        summary: 'One checkpoint',
        params: checkpointParams,
        response: { 200: CheckpointReply },
      },
    },
    async ({ project, params }) => checkpointView(await checkpoints.get(project, params.id, params.checkpoint)),
  );

  app.get(
    '/v1/jobs/:id/checkpoints/:checkpoint/weights',
    {
      schema: {
        operationId: 'downloadCheckpointWeights',
        tags: ['jobs'],
        summary: 'Download the weights as they were at a checkpoint',
        params: checkpointParams,
        querystring: weightsQuery,
        response: weightsReplies,
      },
    },
    (request, reply) => {
      const { id, checkpoint } = request.params;
      const weights = checkpoints.weights(request.project, id, checkpoint);
      return weightsReply(request, reply, { weights, format: request.query.format, fileName: checkpoint });
    },
  );

  pinRoutes(app, checkpoints);
}

function pinRoutes(app: App, checkpoints: CheckpointService): void {
  app.put(
    '/v1/jobs/:id/checkpoints/:checkpoint/pin',
    {
      schema: {
        operationId: 'pinCheckpoint',
        tags: ['jobs'],
        summary: 'Keep a checkpoint until it is unpinned',
        description:
          'Neither `training.checkpoint.keep` nor the limits of this server remove it then. It still goes with its job, with a `retry` from ' +
          'the start, and when a worker that is to go on from it finds it damaged.',
        params: checkpointParams,
        response: { 200: CheckpointReply, ...pinRefusals },
      },
    },
    async ({ project, params }) => checkpointView(await checkpoints.pin(project, params.id, params.checkpoint)),
  );

  app.delete(
    '/v1/jobs/:id/checkpoints/:checkpoint/pin',
    {
      schema: {
        operationId: 'unpinCheckpoint',
        tags: ['jobs'],
        summary: 'Let a checkpoint be removed when its job no longer needs it',
        params: checkpointParams,
        response: { 200: CheckpointReply },
      },
    },
    async ({ project, params }) => checkpointView(await checkpoints.unpin(project, params.id, params.checkpoint)),
  );
}

function checkpointView({ jobId, blobId: _, createdAt, ...checkpoint }: StoredCheckpoint) {
  const self = `/v1/jobs/${jobId}/checkpoints/${checkpoint.id}`;
  return {
    object: 'checkpoint',
    ...checkpoint,
    job: jobId,
    created_at: createdAt.toISOString(),
    links: { self, weights: `${self}/weights`, pin: `${self}/pin` },
  };
}
