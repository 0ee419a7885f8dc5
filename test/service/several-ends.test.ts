import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/engine/weights/safetensors.ts';
import { type Service, startService } from '../support/service.ts';

/** A size that follows from two columns, and a colour that follows from a third and a category. */
const ROWS = Array.from({ length: 400 }, (_, i) => {
  const [a, b, c] = [Math.sin(i * 12.9898), Math.cos(i * 78.233), Math.sin(i * 37.719)];
  const kind = i % 3 === 0 ? 'plain' : 'striped';
  return { c, kind, a, b, size: 500 + 100 * (a - b), colour: c + (kind === 'plain' ? 0.5 : -0.5) > 0 ? 'red' : 'blue' };
});

const SPEC = {
  inputs: [
    { name: 'measures', shape: [2], columns: ['a', 'b'] },
    { name: 'looks', shape: [3], columns: ['kind', 'c'] },
  ],
  layers: [
    { name: 'left', type: 'dense', units: 8, activation: 'tanh', inbound: ['measures'] },
    { name: 'right', type: 'dense', units: 8, activation: 'tanh', inbound: ['looks'] },
    { name: 'both', type: 'concatenate', inbound: ['left', 'right'] },
    { name: 'colour', type: 'dense', units: 2, activation: 'softmax', inbound: ['both'] },
    { name: 'size', type: 'dense', units: 1, inbound: ['left'] },
  ],
  outputs: ['colour', 'size'],
};

const TRAINING = {
  epochs: 60,
  optimizer: { type: 'adam', learning_rate: 0.02 },
  outputs: { size: { loss_weight: 2, metrics: ['root_mean_squared_error', 'r2'] } },
  early_stopping: { metric: 'val_size_root_mean_squared_error', patience: 60 },
};

describe('a network with several inputs and outputs', () => {
  let service: Service;
  let dataset: string;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1', BODY_BYTES_MAX: '10000000' });
    const { status, body } = await service.post('/v1/datasets', { name: 'things', rows: ROWS });
    expect(status).toBe(201);
    dataset = body.id;
  });

  afterAll(() => service.stop());

  const body = (change: object = {}) => ({ spec: SPEC, dataset, target: ['colour', 'size'], training: TRAINING, ...change });

  async function faultsOf(change: object): Promise<string[]> {
    const { status, body: problem } = await service.post('/v1/jobs', body(change));
    expect(status).toBe(422);
    return problem.errors.map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`);
  }

  it('compares directions, whatever the lengths, in a normalised dot layer', async () => {
    const rows = ROWS.slice(1).map(({ a, b, c }) => ({
      a,
      b,
      c,
      d: a * c,
      cosine: (a * c + b * a * c) / (Math.hypot(a, b) * Math.hypot(c, a * c)),
    }));
    const schema = ['a', 'b', 'c', 'd'].map((name) => ({ name, encode: 'none' }));
    const { body: directions } = await service.post('/v1/datasets', { name: 'directions', rows, schema });
    const job = await service.train({
      spec: {
        inputs: [
          { name: 'left', shape: [2], columns: ['a', 'b'] },
          { name: 'right', shape: [2], columns: ['c', 'd'] },
        ],
        layers: [
          { name: 'angle', type: 'dot', normalize: true, inbound: ['left', 'right'] },
          { name: 'out', type: 'dense', units: 1, inbound: ['angle'] },
        ],
        outputs: ['out'],
      },
      dataset: directions.id,
      target: 'cosine',
      training: { epochs: 100, optimizer: { type: 'adam', learning_rate: 0.05 } },
      on_success: { model: 'directions', deploy: 'directions' },
    });
    expect(job.error).toBeNull();
    const instances = [
      { a: 3, b: 4, c: 5, d: 0 },
      { a: 0.03, b: 0.04, c: 7000, d: 0 },
      { a: -4, b: 3, c: 3, d: 4 },
    ];
    const { body: answer } = await service.post('/v1/deployments/directions/predict', { instances });
    const [near, far, square] = answer.predictions.map(({ value }: { value: number }) => value);
    expect(near).toBeCloseTo(0.6, 2);
    expect(far).toBeCloseTo(near, 5);
    expect(square).toBeCloseTo(0, 2);
  });

  it('is trained on both targets, deployed, asked and downloaded', async () => {
    const job = await service.train(body({ on_success: { model: 'things', deploy: 'things' } }));
    expect(job).toMatchObject({
      status: 'succeeded',
      request: {
        task: 'classification',
        features: ['a', 'b', 'kind', 'c'],
        outputs: [
          { output: 'colour', target: 'colour', task: 'classification' },
          { output: 'size', target: 'size', task: 'regression' },
        ],
        training: { outputs: { colour: { loss_weight: 1, metrics: ['accuracy'] }, size: { loss: 'mean_squared_error', loss_weight: 2 } } },
      },
    });
    const { metrics } = job.result;
    expect(metrics.val_colour_accuracy).toBeGreaterThan(0.9);
    // In the units of the column, whose deviation is about 100.
    expect(metrics.val_size_root_mean_squared_error).toBeLessThan(20);
    expect(metrics.val_size_root_mean_squared_error).toBeGreaterThan(0.1);
    expect(metrics.val_loss).toBeCloseTo(metrics.val_colour_loss + 2 * metrics.val_size_loss, 5);

    const [row] = ROWS;
    const { colour, size, ...instance } = row!;
    const asked = await service.post('/v1/deployments/things/predict', { instances: [instance] });
    expect(asked.status).toBe(200);
    const [{ outputs }] = asked.body.predictions;
    expect(outputs).toMatchObject({ colour: { label: colour, probabilities: { red: expect.any(Number) } } });
    expect(Math.abs(outputs.size.value - size)).toBeLessThan(60);

    const predictions = await service.get(`${job.links.predictions}?limit=1`);
    expect(predictions.body.data[0]).toMatchObject({ prediction: { outputs: { size: outputs.size } }, target: { colour, size } });
    const version = (await service.get('/v1/models/things/versions/1')).body;
    expect(version.preprocessing.outputs).toMatchObject([{ name: 'colour', target: { kind: 'classes' } }, { name: 'size' }]);
    expect(version.signature.output.properties.outputs.properties).toMatchObject({ size: { properties: { value: {} } } });
    expect(version.signature.tensors.outputs).toMatchObject({ colour: { shape: [null, 2] }, size: { shape: [null, 1] } });
    const file = await fetch(`${service.url}${job.links.weights}`);
    const { metadata } = decodeSafetensors(new Uint8Array(await file.arrayBuffer()));
    expect(JSON.parse(metadata['outputs']!)).toEqual(version.preprocessing.outputs);
    expect(JSON.parse(metadata['spec']!).inputs[1].columns).toEqual(['kind', 'c']);
  });

  it('takes columns from where they are, in whatever order the inputs name them', async () => {
    const one = { training: { ...TRAINING, epochs: 2 } };
    const swapped = { ...SPEC, inputs: SPEC.inputs.map((input) => ({ ...input, columns: input.columns.toReversed() })) };
    const [first, second] = [await service.train(body(one)), await service.train(body({ ...one, spec: swapped }))];
    expect(second).toMatchObject({ status: 'succeeded', request: { features: ['b', 'a', 'c', 'kind'] } });
    expect(second.result.weights_sha256).not.toBe(first.result.weights_sha256);
  });

  const inputs = (...columns: (readonly string[] | undefined)[]) => ({
    spec: { ...SPEC, inputs: SPEC.inputs.map(({ columns: _, ...input }, i) => ({ ...input, ...(columns[i] && { columns: columns[i] }) })) },
  });

  it.each([
    ['an input without columns beside one with some', inputs(['a', 'b'], undefined), ['/spec/inputs/1/columns missing_field']],
    ['columns that are wider than their input', inputs(['a'], ['kind', 'c']), ['/spec/inputs/0/shape input_mismatch']],
    ['a column that is not there', inputs(['a', 'bb'], ['kind', 'c']), ['/spec/inputs/0/columns/1 unknown_column']],
    ['a column that feeds two inputs', inputs(['a', 'b'], ['kind', 'a']), ['/spec/inputs/1/columns/1 duplicate_value']],
    ['a target as a column', inputs(['a', 'size'], ['kind', 'c']), ['/spec/inputs/0/columns/1 target_among_features']],
    ['features beside the columns', { features: ['a', 'b', 'c'] }, ['/features conflicting_fields']],
    ['fewer targets than outputs', { target: ['colour'] }, ['/spec/outputs target_mismatch']],
    ['more targets than outputs', { target: ['colour', 'size', 'c'], ...inputs(['a', 'b'], ['kind']) }, ['/spec/outputs target_mismatch']],
    [
      'targets in the order of no outputs',
      { target: ['size', 'colour'] },
      ['/spec/layers/3/units target_mismatch', '/spec/layers/4/activation target_mismatch'],
    ],
    [
      'options of an output that is not there',
      { training: { ...TRAINING, outputs: { sise: {} }, early_stopping: null } },
      ['/training/outputs/sise unknown_reference'],
    ],
    [
      'a loss for another kind of target',
      { training: { epochs: 1, outputs: { colour: { loss: 'poisson' } } } },
      ['/training/outputs/colour/loss loss_mismatch'],
    ],
    [
      'a metric for another kind of target',
      { training: { epochs: 1, outputs: { size: { metrics: ['accuracy'] } } } },
      ['/training/outputs/size/metrics/0 metric_mismatch'],
    ],
  ])('refuses %s', async (_, change, expected) => {
    const faults = await faultsOf(change);
    for (const fault of expected) expect(faults).toContain(fault);
  });
});
