import type { Backend, BufferRef } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { isObject, type JsonObject } from '../json-schema.ts';
import { elementsOf } from '../ops/op.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import type { OptimizerDefinition } from '../optimizers/optimizer.ts';
import { ARENA_START, alignUp } from '../plan/placement.ts';
import { assembleProgram } from '../plan/program.ts';
import type { Clips } from '../plan/update-calls.ts';
import { clipCalls } from '../plan/update-calls.ts';
import { withDefaults } from '../schema.ts';
import { nameIn } from './name-in.ts';
import { rateOf } from './schedule-case.ts';
import type { Comparison, Vector, VectorTensors } from './vector.ts';

/** Updates by given gradients: all parameters after each of them. */
export function runOptimizer(vector: Vector, backend: Backend): Comparison[] {
  const { spec, params = {}, expect } = vector;
  const definition: OptimizerDefinition = OPTIMIZERS[nameIn(OPTIMIZERS, spec['type'], 'optimizer')];
  const options = withDefaults(definition.options, spec) as JsonObject;
  const names = Object.keys(params);
  const concatenate = (tensors: VectorTensors) => names.flatMap((name) => [...tensors[name]!.data]);
  const blocks = layOut(
    names.map((name) => params[name]!.data.length),
    2 + definition.slots(options),
  );
  const { kernel, scalars } = definition.update(options);
  const [, gradient] = blocks.all;
  const update = {
    kernel,
    buffers: blocks.all,
    dims: [elementsOf(gradient!)],
    scalars,
    writes: blocks.all.map((_, i) => i).filter((i) => i !== 1),
    layer: 'update',
  };
  const calls = [...clipCalls(clipsIn(spec), gradient!, blocks.gradients), update];
  const program = assembleProgram(calls, blocks.places, { arenaBytes: blocks.bytes, batchSize: 1 });
  const { arena, sessions } = backend.bind([program]);
  const length = concatenate(params).length;
  const parameters = new Float32Array(arena, ARENA_START, length);
  const gradients = new Float32Array(arena, blocks.places.get(gradient!)!.byteOffset, length);
  parameters.set(concatenate(params));
  return gradientSets(vector).map((set, step) => {
    gradients.set(concatenate(set));
    sessions[0]!.run({
      feeds: [],
      order: Int32Array.of(0),
      from: 0,
      to: 1,
      firstStep: step,
      learningRates: Float64Array.of(rateOf(options['learning_rate'], step)),
      seed: [0, 0],
      control: new Int32Array(CONTROL.words),
    });
    return { what: `parameters after update ${step}`, received: parameters.slice(), expected: concatenate(expect.params_by_step![step]!) };
  });
}

/** One block each of parameters, gradients and slots, as in the arena of a job, and the gradients of the single parameters. */
function layOut(lengths: readonly number[], blocks: number) {
  const graph = new GraphBuilder('training');
  const places = new Map<Value, BufferRef>();
  const length = lengths.reduce((sum, count) => sum + count, 0);
  const blockBytes = alignUp(length * Float32Array.BYTES_PER_ELEMENT);
  const place = (label: string, count: number, byteOffset: number): Value => {
    const value = graph.value({ label, shape: [count], batched: false, type: 'real', role: 'parameter' });
    places.set(value, { byteOffset, dtype: 'float32', length: count });
    return value;
  };
  const all = Array.from({ length: blocks }, (_, i) => place(`block ${i}`, length, ARENA_START + i * blockBytes));
  let from = ARENA_START + blockBytes;
  const gradients = lengths.map((count, i) => {
    const value = place(`gradient ${i}`, count, from);
    from += count * Float32Array.BYTES_PER_ELEMENT;
    return value;
  });
  return { all, gradients, places, bytes: ARENA_START + blocks * blockBytes };
}

/** The engine's own form of a case keeps the bounds in the optimizer. */
export function clipsIn(spec: JsonObject): Clips {
  const bound = (name: string) => (typeof spec[name] === 'number' ? spec[name] : null);
  return { value: bound('clip_value'), norm: bound('clip_norm'), globalNorm: bound('global_clip_norm') };
}

/** The gradient sets of an optimizer case, in order. */
function gradientSets({ inputs }: Vector): readonly VectorTensors[] {
  const sets: unknown = inputs['gradients'];
  if (!Array.isArray(sets) || !sets.every(isObject)) throw new Error('The case has no gradients');
  return sets as readonly VectorTensors[];
}
