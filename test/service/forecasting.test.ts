import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const SPEC = { layers: [{ type: 'flatten' }, { type: 'dense', units: 1 }] };
const TRAINING = { epochs: 20, optimizer: { type: 'adam', learning_rate: 0.01 } };
/** A straight line: wholly known from any two of its points, and never twice in the same range. */
const LINE = Array.from({ length: 60 }, (_, hour) => ({ hour, level: 100 + 3 * hour }));

describe('forecasts through the API', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
  });

  afterAll(() => service.stop());

  async function stored(name: string, rows: readonly object[], schema?: readonly object[]): Promise<string> {
    const { status, body } = await service.post('/v1/datasets', { name, rows, ...(schema && { schema }) });
    expect({ status, errors: body.errors }).toEqual({ status: 201, errors: undefined });
    return body.id;
  }

  it('carries a trend beyond the values it was trained on, from rows in any order', async () => {
    const mixed = LINE.toSorted((a, b) => ((a.hour * 7) % 60) - ((b.hour * 7) % 60));
    const dataset = await stored('line', mixed);
    const job = await service.train({
      spec: SPEC,
      dataset,
      target: 'level',
      window: { history: 4, order_by: 'hour', relative: 'difference' },
      training: TRAINING,
      on_success: { model: 'line', deploy: 'line' },
    });
    expect(job).toMatchObject({
      status: 'succeeded',
      request: {
        task: 'forecasting',
        features: ['level'],
        split: { strategy: 'time' },
        spec: { input_shape: [4, 1] },
        window: { history: 4, horizon: 1, stride: 1, order_by: 'hour', relative: 'difference', interpolate: false },
      },
    });
    const { metrics } = job.result;
    expect(metrics.last_value_rmse).toBeCloseTo(3, 9);
    expect(metrics.val_last_value_rmse).toBeCloseTo(3, 9);
    expect(metrics.val_root_mean_squared_error).toBeLessThan(0.01);

    const future = [1000, 1001, 1002, 1003].map((hour) => ({ hour, level: 100 + 3 * hour }));
    const { status, body } = await service.post('/v1/deployments/line/predict', {
      instances: [future, future.map(({ level }) => ({ level }))],
    });
    expect(status).toBe(200);
    for (const { value } of body.predictions) expect(value).toBeCloseTo(100 + 3 * 1004, 1);
  });

  it('travels with its weights: the file holds the windows, the signature asks for them', async () => {
    const version = (await service.get('/v1/models/line/versions/1')).body;
    expect(version.signature.input).toMatchObject({ type: 'array', minItems: 4, maxItems: 4, items: { required: ['level'] } });
    const { body } = await service.get('/v1/models/line/versions/1/weights?format=json');
    expect(body.metadata.window).toEqual({
      history: 4,
      horizon: 1,
      stride: 1,
      order_by: 'hour',
      relative: 'difference',
      targets: ['level'],
    });
  });

  it('names the row and column of what is wrong with a window', async () => {
    const rows = LINE.slice(0, 4);
    const predict = async (instance: unknown) =>
      (await service.post('/v1/deployments/line/predict', { instances: [instance] })).body.errors;
    expect(await predict(rows.slice(1))).toMatchObject([{ pointer: '/instances/0', code: 'wrong_length', expected: 4, received: 3 }]);
    expect(await predict(rows.with(2, { hour: 2, level: 'x' } as never))).toMatchObject([
      { pointer: '/instances/0/2/level', code: 'wrong_type' },
    ]);
    expect(await predict(rows.toReversed())).toMatchObject([{ pointer: '/instances/0/1/hour', code: 'out_of_range' }]);
    expect(await predict(rows[0])).toMatchObject([{ pointer: '/instances/0', code: 'wrong_type', expected: 'array' }]);
  });

  it('forecasts several rows at once and fills gaps between their neighbours', async () => {
    const gaps = LINE.map((row) => (row.hour % 7 === 1 ? { hour: row.hour, level: null } : row));
    const dataset = await stored('gaps', gaps, [{ name: 'level', nullable: true, missing: 'interpolate' }]);
    const job = await service.train({
      spec: { layers: [{ type: 'flatten' }, { type: 'dense', units: 2 }] },
      dataset,
      target: 'level',
      window: { history: 3, horizon: 2, order_by: 'hour', relative: 'last' },
      training: { ...TRAINING, epochs: 60 },
      on_success: { model: 'gaps', deploy: 'gaps' },
    });
    expect(job.error).toBeNull();
    // Errors of 3 one row ahead and of 6 two ahead.
    expect(job.result.metrics.val_last_value_rmse).toBeCloseTo(Math.sqrt((9 + 36) / 2), 9);
    const { body } = await service.post('/v1/deployments/gaps/predict', { instances: [[{ level: 10 }, { level: null }, { level: 16 }]] });
    expect(Object.keys(body.predictions[0].values)).toEqual(['level+1', 'level+2']);
    expect(body.predictions[0].values['level+1']).toBeCloseTo(19, 0);
    expect(body.predictions[0].values['level+2']).toBeCloseTo(22, 0);
  });

  // 54 windows: 32 to train, 11 to validate, 11 to test; these rows are the first that the later parts forecast.
  it.each([
    { part: 'validation', firstRow: 32 + 4, calm: ['last_value_rmse'], moved: 'val_last_value_rmse' },
    { part: 'test', firstRow: 43 + 4, calm: ['last_value_rmse', 'val_last_value_rmse'], moved: 'test_last_value_rmse' },
  ])('shows nothing of the rows of the $part part before it begins', async ({ part, firstRow, calm, moved }) => {
    const step = LINE.map(({ hour }) => ({ hour, level: hour < firstRow ? 5 : 6 }));
    const job = await service.train({
      spec: { layers: [{ type: 'flatten' }, { type: 'dense', units: 3 }] },
      dataset: await stored(`step-${part}`, step),
      target: 'level',
      window: { history: 4, horizon: 3, order_by: 'hour' },
      split: { validation: 0.2, test: 0.2 },
      training: { epochs: 1 },
    });
    expect(job.error).toBeNull();
    for (const name of calm) expect(job.result.metrics[name]).toBe(0);
    expect(job.result.metrics[moved]).toBeGreaterThan(0);
  });

  it('refuses windows that cannot be, all faults at once', async () => {
    const dataset = await stored('short', LINE.slice(0, 5));
    const { status, body } = await service.post('/v1/jobs', {
      spec: SPEC,
      dataset,
      target: 'level',
      task: 'regression',
      features: ['hour'],
      split: { strategy: 'random' },
      window: { history: 10, order_by: 'hours' },
      training: TRAINING,
    });
    expect(status).toBe(422);
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/features', '/split/strategy', '/task', '/window/order_by', '/window/history']));
  });

  it.each(['last', 'difference'])('measures %s forecasts of carbon dioxide by the level, not by its change', async (relative) => {
    const name = `co2-${relative}`;
    const window = { history: 13, order_by: 'week', relative, stride: 4 };
    const job = await service.train({
      spec: SPEC,
      dataset: await service.dataset('co2'),
      target: 'ppm',
      window,
      split: { validation: 0.1, test: 0.1 },
      training: { ...TRAINING, epochs: 3, metrics: ['r2', 'mean_absolute_percentage_error'] },
      on_success: { model: name, deploy: name },
    });
    expect(job.error).toBeNull();
    const ppm = carbonDioxide();
    const count = Math.floor((ppm.length - 14) / 4) + 1;
    const firsts = Array.from({ length: Math.round(count / 10) }, (_, i) => 4 * (count - 1 - i));
    const truths = firsts.map((first) => ppm[first + 13] ?? Number.NaN);
    const instances = firsts.map((first) => ppm.slice(first, first + 13).map((value) => ({ ppm: value })));
    const { body } = await service.post(`/v1/deployments/${name}/predict`, { instances });
    const errors = truths.map((truth, i) => body.predictions[i].value - truth);
    const mean = truths.reduce((sum, truth) => sum + truth, 0) / truths.length;
    const spread = truths.reduce((sum, truth) => sum + (truth - mean) ** 2, 0);
    const r2 = 1 - errors.reduce((sum, error) => sum + error ** 2, 0) / spread;
    const share = errors.reduce((sum, error, i) => sum + Math.abs(error / (truths[i] ?? 0)), 0) / errors.length;
    const { metrics } = job.result;
    expect(metrics.test_r2).toBeCloseTo(r2, 4);
    expect(metrics.test_mean_absolute_percentage_error / share).toBeCloseTo(1, 3);
    // The level hardly moves in a week, and by much over the years.
    expect(metrics.test_r2).toBeGreaterThan(0.9);
    expect(metrics.r2).toBeGreaterThan(0.9);
    expect(metrics.mean_absolute_percentage_error).toBeLessThan(0.01);
  });

  it('runs a recurrent network over the weeks of carbon dioxide in the air, gaps and all', async () => {
    const job = await service.train({
      spec: {
        layers: [
          { type: 'gru', units: 4 },
          { type: 'dense', units: 1 },
        ],
      },
      dataset: await service.dataset('co2'),
      target: 'ppm',
      window: { history: 13, order_by: 'week', relative: 'last', stride: 4 },
      split: { validation: 0.1, test: 0.1 },
      training: { epochs: 2 },
    });
    expect(job.error).toBeNull();
    expect(job.result.metrics.test_last_value_rmse).toBeGreaterThan(0.3);
    expect(job.result.metrics.test_last_value_rmse).toBeLessThan(0.7);
    expect(job.result.metrics.test_root_mean_squared_error).toBeLessThan(2);
  });
});

/** The series as the service takes it: gaps on the straight line between their neighbours. */
function carbonDioxide(): number[] {
  const text = readFileSync(join(import.meta.dirname, '../../examples/co2.csv'), 'utf8');
  const cells = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[1] ?? '');
  return cells.map((cell, row) => {
    if (cell !== '') return Number(cell);
    const before = cells.findLastIndex((other, i) => i < row && other !== '');
    const after = cells.findIndex((other, i) => i > row && other !== '');
    const [left, right] = [Number(cells[before]), Number(cells[after])];
    return left + ((right - left) * (row - before)) / (after - before);
  });
}
