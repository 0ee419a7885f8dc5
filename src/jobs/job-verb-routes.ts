import type { App } from '../http/app-type.ts';
import { createOnce, idempotencyHeaders } from '../http/idempotency.ts';
import type { IdempotencyStore } from '../http/idempotency-store.ts';
import { askRefusals, forkBody, forkRefusals, JobReply, jobParams, retryBody } from './job-schema.ts';
import type { JobService } from './job-service.ts';
import type { JobView } from './job-view.ts';

interface Verb {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  /** Whether a job has done as asked; until then the reply is 202. */
  readonly isDone: (job: JobView) => boolean;
}

const VERBS: Readonly<Record<'cancel' | 'stop' | 'pause' | 'resume', Verb>> = {
  cancel: {
    operationId: 'cancelJob',
    summary: 'End a job without a result',
    description:
      'A job that waits is cancelled at once, one that runs as soon as its worker has heard of it. ' +
      'Its newest checkpoint and that of its best epoch stay, for `retry` and `fork`.',
    isDone: ({ status }) => status === 'cancelled',
  },
  stop: {
    operationId: 'stopJob',
    summary: 'End a job with the best it has learned so far',
    description:
      'It succeeds with the stop reason `user_stop` and the weights of its best epoch by `early_stopping.metric`, else by `val_loss` or `loss`, ' +
      'measured again on all parts of the data. ' +
      'One that waits with a checkpoint needs a worker for that. Before the first epoch is done there is nothing to keep: the job is cancelled.',
    isDone: ({ stop_reason }) => stop_reason === 'user_stop',
  },
  pause: {
    operationId: 'pauseJob',
    summary: 'Keep a checkpoint and give the worker free',
    description:
      'A job that runs leaves after the epoch under way, with a checkpoint. An epoch that takes 30 s more is abandoned: then the job goes on ' +
      'from the checkpoint before. The time it is paused does not count against `limits.max_seconds`.',
    isDone: ({ status }) => status === 'paused',
  },
  resume: {
    operationId: 'resumeJob',
    summary: 'Let a paused job go on',
    description: 'It ends with the same bits as if it had never been paused.',
    isDone: () => false,
  },
};

const NAMES = Object.keys(VERBS) as (keyof typeof VERBS)[];

/** What the owner of a job can ask of it. Asking again is no fault; a 409 says what could be asked instead. */
export async function jobVerbRoutes(app: App, deps: { jobs: JobService; idempotency: IdempotencyStore }): Promise<void> {
  for (const name of NAMES) verbRoute(app, deps.jobs, name);
  retryRoute(app, deps.jobs);
  forkRoute(app, deps);
}

function verbRoute(app: App, jobs: JobService, name: keyof typeof VERBS): void {
  const { isDone, ...told } = VERBS[name];
  app.post(
    `/v1/jobs/:id/${name}`,
    { schema: { ...told, tags: ['jobs'], params: jobParams, response: { 200: JobReply, 202: JobReply, ...askRefusals } } },
    async (request, reply) => {
      const job = await jobs.ask(request.project, request.params.id, { type: name });
      return reply.code(isDone(job) ? 200 : 202).send(job);
    },
  );
}

function retryRoute(app: App, jobs: JobService): void {
  app.post(
    '/v1/jobs/:id/retry',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'retryJob',
        tags: ['jobs'],
        summary: 'Let a job go on that failed or was cancelled',
        description:
          'From its newest checkpoint, or with `{"from": "start"}` from the beginning: then its epochs and all of its checkpoints, pinned ones too, ' +
          'are removed. The latter also helps a job that waits for a worker of the kind its checkpoint needs.',
        params: jobParams,
        body: retryBody,
        response: { 202: JobReply, ...askRefusals },
      },
    },
    async (request, reply) => {
      const { from = 'checkpoint' } = request.body;
      return reply.code(202).send(await jobs.ask(request.project, request.params.id, { type: 'retry', from }));
    },
  );
}

function forkRoute(app: App, { jobs, idempotency }: { jobs: JobService; idempotency: IdempotencyStore }): void {
  app.post(
    '/v1/jobs/:id/fork',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'forkJob',
        tags: ['jobs'],
        summary: 'A new job from a checkpoint of another one',
        description:
          'It has the request of the other job with `patch` merged into it, and the epochs up to the checkpoint. Without a patch it ends with the same bits. ' +
          'A patch may change whatever leaves the tensors of the checkpoint as they are.',
        params: jobParams,
        headers: idempotencyHeaders,
        body: forkBody,
        response: { 202: JobReply, ...forkRefusals },
      },
    },
    (request, reply) =>
      createOnce(request, reply, { idempotency }, async (remember) => {
        const { checkpoint = null, patch = {} } = request.body;
        const replyTo = (job: JobView) => ({ status: 202, headers: { location: job.links['self'] ?? '' }, body: job });
        const fork = { checkpoint, patch };
        return replyTo(await jobs.fork(request.project, request.params.id, fork, (tx, job) => remember(tx, replyTo(job))));
      }),
  );
}
