import type { BadRequest, RequestData } from './bad-request.ts';

const UNKNOWN = 'ds_01J00000000000000000000000';
const ROW = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };

const unauthenticated = (id: string, what: string, request: RequestData): BadRequest => ({
  id,
  what,
  request,
  expect: { status: 401, code: 'unauthenticated' },
});

const keyed = (authorization: string): RequestData => ({ path: '/v1/datasets', headers: { authorization } });

/** Keys that are none, fields nobody may set, and changes a state does not allow. */
export const ACCESS_ROWS: readonly BadRequest[] = [
  unauthenticated('A01', 'an empty Authorization', keyed('')),
  unauthenticated('A01', 'Bearer without a key', keyed('Bearer')),
  unauthenticated('A01', 'Basic', keyed('Basic eDp5')),
  unauthenticated('A01', 'a key of six hundred characters', keyed(`Bearer ${'x'.repeat(600)}`)),
  unauthenticated('A01', 'a key with a space', keyed('Bearer a b')),
  unauthenticated('A01', 'two keys', keyed('Bearer {key}, Bearer {key}')),
  unauthenticated('A02', 'an unknown key', keyed('Bearer alma_01J00000000000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')),
  unauthenticated('A02', 'a revoked key', keyed('Bearer {revoked_key}')),
  unauthenticated('A03', 'a key with another secret', keyed('Bearer {key}x')),
  unauthenticated('A09', 'a key in the query', { path: '/v1/datasets?api_key={key}', headers: { authorization: '' } }),
  unauthenticated('A01', 'no key and a broken body', {
    path: '/v1/jobs',
    text: '{',
    headers: { authorization: '', 'content-type': 'application/json' },
  }),
  unauthenticated('A01', 'no key and a malformed id', { path: '/v1/jobs/x', headers: { authorization: '' } }),
  ...['project', 'project_id', 'tenantId', 'status', 'fence', 'worker_id', 'attempt', 'id'].map(
    (field): BadRequest => ({
      id: 'A07',
      what: `${field} in the body of a job`,
      request: {
        path: '/v1/jobs',
        json: {
          dataset: '{iris}',
          target: 'species',
          spec: { layers: [{ type: 'dense', units: 3 }] },
          training: { epochs: 1 },
          [field]: 'x',
        },
      },
      expect: { status: 422, code: 'spec_invalid', pointer: `/${field}`, fault: 'unknown_field' },
    }),
  ),
  ...['project', 'status', 'sha256', 'id'].map(
    (field): BadRequest => ({
      id: 'A07',
      what: `${field} in the body of a dataset`,
      request: { path: '/v1/datasets', json: { builtin: 'iris', [field]: 'x' } },
      expect: { status: 422, code: 'validation_failed', pointer: `/${field}`, fault: 'unknown_field' },
    }),
  ),
  state('A14', 'cancelling a job that has ended', { method: 'POST', path: '/v1/jobs/{job}/cancel' }),
  state('A14', 'deleting a job that runs', { method: 'DELETE', path: '/v1/jobs/{running}' }),
  state('A15', 'deleting a dataset a running job uses', { method: 'DELETE', path: '/v1/datasets/{iris}' }),
  state('A15', 'deleting a model that is deployed', { method: 'DELETE', path: '/v1/models/flowers' }),
  state('P08', 'the weights of a job that runs', { path: '/v1/jobs/{running}/weights' }),
  {
    id: 'A14',
    what: 'a name that is taken',
    request: { path: '/v1/models', json: { name: 'flowers', spec: { input_shape: [4], layers: [{ type: 'dense', units: 3 }] } } },
    expect: { status: 409, code: 'name_taken' },
  },
  absent('P08', 'predicting with a deployment that is not there', { path: '/v1/deployments/nobody/predict', json: { instances: [ROW] } }),
  absent('P08', 'deploying a model that is not there', { method: 'PUT', path: '/v1/deployments/x', json: { model: 'nobody' } }),
  absent('P08', 'deploying a version that is not there', {
    method: 'PUT',
    path: '/v1/deployments/flowers',
    json: { model: 'flowers', version: 2_147_483_647 },
  }),
  absent('A05', 'a dataset that is not there', { path: `/v1/datasets/${UNKNOWN}` }),
  absent('A05', 'an error code that is a member of every object', { path: '/problems/constructor' }),
];

function state(id: string, what: string, request: RequestData): BadRequest {
  return { id, what, request, expect: { status: 409, code: 'state_conflict' } };
}

function absent(id: string, what: string, request: RequestData): BadRequest {
  return { id, what, request, expect: { status: 404, code: 'not_found' } };
}
