import { expect } from 'vitest';
import type { CallResult } from '../support/app.ts';
import type { BadRequest } from './bad-request.ts';
import type { World } from './world.ts';

/** Traces of what is inside: stacks, files, statements, packages. */
const INTERNALS =
  /node_modules|\.[jt]s:\d|\bat [\w.<]+ \(|\bSELECT\b|\bINSERT\b|prisma|postgres|bullmq|ECONN|\/(work|tmp|home|usr)\/|blob_[0-9A-Z]/i;

/** Whether an answer is a problem of the documented shape that tells nothing of the inside. */
export function expectProblem({ status, headers, body }: CallResult): void {
  expect(status, JSON.stringify(body)).toBeLessThan(500);
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(body).toMatchObject({
    type: `/problems/${body.code}`,
    title: expect.any(String),
    status,
    code: expect.stringMatching(/^[a-z_]+$/),
    detail: expect.stringMatching(/./),
    instance: expect.stringMatching(/^\//),
    request_id: headers.get('x-request-id'),
    errors: expect.any(Array),
  });
  for (const fault of body.errors) {
    expect(fault).toMatchObject({ code: expect.stringMatching(/^[a-z0-9_]+$/), detail: expect.stringMatching(/./) });
  }
  expect(JSON.stringify(body)).not.toMatch(INTERNALS);
  expect(body.instance).not.toContain('evil');
}

/** Whether a row of the corpus is answered as it says. */
export async function expectRefusal(world: World, row: BadRequest): Promise<void> {
  const reply = await world.send(row);
  const { status, code, pointer, fault, line } = row.expect;
  expect(`${reply.status} ${reply.body.code ?? null}`, JSON.stringify(reply.body).slice(0, 2000)).toBe(`${status} ${code}`);
  if (code === null) return;
  expectProblem(reply);
  const faults: { pointer?: string; code: string; line?: number }[] = reply.body.errors;
  if (pointer !== undefined || fault !== undefined || line !== undefined) {
    const wanted = {
      ...(pointer !== undefined && { pointer }),
      ...(fault !== undefined && { code: fault }),
      ...(line !== undefined && { line }),
    };
    expect(faults).toContainEqual(expect.objectContaining(wanted));
  }
}

/** The server is the process it was, and works. */
export async function expectHealthy(world: World): Promise<void> {
  expect([world.server.child.exitCode, world.server.child.signalCode]).toEqual([null, null]);
  expect((await world.call(`/v1/datasets/${world.names['iris']}`)).status).toBe(200);
}
