import Type from 'typebox';
import type { App } from '../http/app-type.ts';
import type { CheckpointService } from '../jobs/checkpoint-service.ts';

const QuotasReply = Type.Object(
  {
    quotas: Type.Array(
      Type.Object({
        name: Type.String(),
        used: Type.Integer(),
        limit: Type.Integer({ description: 'Beyond it old checkpoints of ended jobs are removed, and a pin is refused.' }),
      }),
    ),
  },
  { title: 'Quotas' },
);

/** `GET /v1/quota`. */
export async function quotaRoutes(app: App, { checkpoints }: { checkpoints: Pick<CheckpointService, 'quotas'> }): Promise<void> {
  app.get(
    '/v1/quota',
    {
      schema: {
        operationId: 'getQuotas',
        summary: 'What the project has used of what it may',
        tags: ['operations'],
        response: { 200: QuotasReply },
      },
    },
    async ({ project }) => ({ quotas: await checkpoints.quotas(project) }),
  );
}
