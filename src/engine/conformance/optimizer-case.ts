import type { Backend } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import { fixed } from '../ops/op.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import type { OptimizerDefinition } from '../optimizers/optimizer.ts';
import { alignUp } from '../plan/placement.ts';
import { withDefaults } from '../schema.ts';
import { nameIn } from './name-in.ts';
import type { Comparison, Vector, VectorTensors } from './vector.ts';

/** Updates by given gradients: all parameters after each of them. */
export function runOptimizer(vector: Vector, backend: Backend): Comparison[] {
  const { spec, params = {}, expect } = vector;
  const definition: OptimizerDefinition = OPTIMIZERS[nameIn(OPTIMIZERS, spec['type'], 'optimizer')];
  const options = withDefaults(definition.options, spec) as { learning_rate: number };
  const update = definition.update(options);
  const names = Object.keys(params);
  const concatenate = (tensors: VectorTensors) => names.flatMap((name) => [...tensors[name]!.data]);
  const length = concatenate(params).length;
  // One block each of parameters, gradients and slots, as in the arena of a job.
  const blockBytes = alignUp(length * Float32Array.BYTES_PER_ELEMENT);
  const blocks = Array.from({ length: 2 + definition.slots(options) }, (_, i) => {
    return { byteOffset: i * blockBytes, dtype: 'float32', length } as const;
  });
  const arena = new ArrayBuffer(blocks.length * blockBytes);
  const parameters = new Float32Array(arena, 0, length);
  const gradients = new Float32Array(arena, blockBytes, length);
  const command = { kernel: update.kernel, buffers: blocks, dims: [fixed(length)], scalars: update.scalars };
  const session = backend.load({ commands: [command], arenaBytes: arena.byteLength, batchSize: 1 }, arena);
  parameters.set(concatenate(params));
  return gradientSets(vector).map((set, step) => {
    gradients.set(concatenate(set));
    session.run({
      feeds: [],
      order: Int32Array.of(0),
      from: 0,
      to: 1,
      firstStep: step,
      learningRates: Float64Array.of(options.learning_rate),
      seed: [0, 0],
      control: new Int32Array(CONTROL.words),
    });
    return { what: `parameters after update ${step}`, received: parameters.slice(), expected: concatenate(expect.params_by_step![step]!) };
  });
}

/** The gradient sets of an optimizer case, in order. */
function gradientSets({ inputs }: Vector): readonly VectorTensors[] {
  const sets: unknown = inputs['gradients'];
  return sets as readonly VectorTensors[];
}
