// onnxruntime-node's side of a measurement: inference only, on one thread.
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { serveRounds } from '../sides/protocol.ts';
import { onnxModel } from './onnx-model.mjs';

const ROUND_MS = 50;

await serveRounds(async ({ workload, threads }) => {
  const { model, shape, kernelValues } = onnxModel(workload.spec);
  const session = await InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  return {
    variant: env.versions.node,
    async round(rows) {
      const values = Float32Array.from({ length: rows * workload.features }, (_, i) => Math.sin(i));
      const feeds = { x: new Tensor('float32', values, [rows, ...shape]) };
      await session.run(feeds);
      const startedAt = performance.now();
      let calls = 0;
      for (; performance.now() - startedAt < ROUND_MS; calls++) await session.run(feeds);
      return (performance.now() - startedAt) / 1000 / calls;
    },
    end: () => ({ kernel_values: kernelValues }),
  };
});
