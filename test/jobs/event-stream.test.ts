import { expect, it } from 'vitest';
import { followJob } from '../../src/jobs/event-stream.ts';
import type { StoredJob } from '../../src/jobs/job-store.ts';

const RUNNING: StoredJob = {
  id: 'job_A',
  kind: 'training',
  status: 'running',
  stopReason: null,
  attempt: 1,
  request: {},
  progress: { fraction: 0.5, epoch: 1, epochs: 2, step: 1, steps: 2, eta_seconds: null, samples_per_second: null },
  latestMetrics: null,
  best: null,
  result: null,
  error: null,
  receipt: {},
  weightsBlobId: null,
  wish: null,
  retries: 0,
  forkedFrom: null,
  lastEvent: 1,
  createdAt: new Date(0),
};

it('a job that ends between the reading of its row and of its events has `done` as the last thing its stream sends', async () => {
  const done = { seq: 1, type: 'done', data: { status: 'succeeded', stop_reason: 'completed' }, at: new Date(0) } as const;
  const sources = {
    jobs: { find: async () => RUNNING },
    events: { after: async () => [done] },
    notifications: { on: () => () => undefined },
  };
  const sent = [];
  for await (const { event } of followJob(sources, { project: 'prj', id: 'job_A', after: 0, signal: AbortSignal.timeout(5000) }))
    sent.push(event);
  expect(sent).toEqual(['done']);
});
