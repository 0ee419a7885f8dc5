import Type from 'typebox';
import type { App } from '../http/app-type.ts';
import type { InvariantService } from './invariant-service.ts';

const InvariantsReply = Type.Object(
  {
    healthy: Type.Boolean({ description: 'Every count is 0.' }),
    invariants: Type.Array(
      Type.Object({
        name: Type.String(),
        description: Type.String({ description: 'What is true in a healthy database.' }),
        count: Type.Integer({ description: 'How often it is not, over all projects.' }),
      }),
    ),
  },
  { title: 'Invariants' },
);

/** `GET /v1/admin/invariants`. */
export async function invariantRoutes(app: App, { invariants }: { invariants: InvariantService }): Promise<void> {
  app.get(
    '/v1/admin/invariants',
    {
      schema: {
        operationId: 'countBrokenInvariants',
        summary: 'What must always be true of the stored data, and how often it is not',
        tags: ['operations'],
        response: { 200: InvariantsReply },
      },
    },
    async () => {
      const counts = await invariants.count();
      return { healthy: counts.every(({ count }) => count === 0), invariants: counts };
    },
  );
}
