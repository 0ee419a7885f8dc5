import { dieAt } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { ended } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';

const CALLERS = 8;
const ROW = { sepal_length: 5.9, sepal_width: 3, petal_length: 4.2, petal_width: 1.5 };

/** A name is pointed at one version and another while it predicts. */
export const oneVersion: Invariant = {
  id: 'I26',
  promise: 'A prediction uses exactly the version it names.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    const worker = await world.startWorker();
    await trainTwo(world, { api, worker, dataset: await api.dataset('iris') });
    const answers = new Map<number, string>();
    for (const version of [1, 2]) {
      await deploy(api, version);
      answers.set(version, JSON.stringify((await predict(api)).body.predictions));
    }
    report.check(answers.get(1) !== answers.get(2), 'the versions answer differently');
    const load = { on: true, replies: 0 };
    const callers = Array.from({ length: CALLERS }, async () => {
      while (load.on) {
        const { status, body } = await predict(api);
        load.replies += 1;
        report.check(status === 200, `a prediction is answered with ${status}`);
        report.check(
          answers.get(body?.version) === JSON.stringify(body?.predictions),
          `a reply of version ${body?.version} is what that version says`,
        );
      }
    });
    for (let n = 0; n < world.times({ pr: 60, nightly: 500, weekly: 5000 }); n += 1) {
      const { status, body } = await deploy(api, 1 + (n % 2));
      report.injected('another version deployed');
      report.check(status === 200 && body.version === 1 + (n % 2), `a deployment is answered with ${status}`);
      await world.pause(world.random.below(20));
    }
    load.on = false;
    await Promise.all(callers);
    report.figure('predictions meanwhile', String(load.replies));
    await dieAt(world, api, 'K14', { meanwhile: () => deploy(api, 1) });
    const after = await predict(api);
    report.check(after.body?.version === 1, `what was deployed as the API died is deployed: ${after.body?.version}`);
  },
};

const deploy = (api: Api, version: number) => api.put('/v1/deployments/flowers', { model: 'iris', version });
const predict = (api: Api) => api.post('/v1/deployments/flowers/predict', { instances: [ROW] });

/** The first worker dies with the second version half written. */
async function trainTwo(world: World, { api, worker, dataset }: { api: Api; worker: Kept; dataset: string }): Promise<void> {
  const layers = [{ type: 'dense', units: 3, activation: 'softmax' }];
  for (const seed of [1, 2]) {
    const training = { epochs: 20, batch_size: 16, seed, optimizer: { type: 'adam', learning_rate: 0.01 } };
    const body = { dataset, target: 'species', spec: { layers }, training, on_success: { model: 'iris' } };
    let id = '';
    const post = async (): Promise<void> => {
      id = await api.job(body);
    };
    if (seed === 1) await post();
    else await dieAt(world, worker, 'K13', { meanwhile: post });
    const { status } = await ended(world, api, id);
    world.report.check(status === 'succeeded', `job ${id} succeeds`);
  }
  const { body } = await api.get('/v1/models/iris/versions');
  world.report.check(body?.data?.length === 2, `there are two versions, not ${body?.data?.length}`);
}
