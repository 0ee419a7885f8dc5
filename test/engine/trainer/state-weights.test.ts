import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../src/engine/index.ts';
import { weightsOfState } from '../../../src/engine/trainer/engine-state.ts';
import { decodeWeights, memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { classification, trainToEnd } from './iris-like.ts';

const LAYERS = [
  { type: 'dense', name: 'frozen', units: 5, activation: 'tanh', trainable: false },
  { type: 'batch_normalization', name: 'normal' },
  { type: 'dense', name: 'out', units: 3, activation: 'softmax' },
];

const LIMITS = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };

describe('a state', () => {
  it('gives its weights without a plan: those that learn, those that do not, and running statistics', () => {
    const { spec } = checkSpec({ spec: { input_shape: [4], layers: LAYERS }, limits: LIMITS });
    if (spec === null) throw new Error('the spec has faults');
    const { states, result } = trainToEnd({ ...classification({ epochs: 3 }), spec, stateTexts: { labels: '["a"]' } });
    const last = weightsIn(states[2]!);
    expect(last.tensors).toEqual(result.weights);
    expect(last.tensors.map(({ name }) => name)).toContain('normal/moving_variance');
    expect(last.metadata).toEqual({ labels: '["a"]' });
    const first = weightsIn(states[0]!);
    expect(first.tensors.map(({ name, shape }) => [name, shape])).toEqual(result.weights.map(({ name, shape }) => [name, shape]));
    expect(first.tensors).not.toEqual(result.weights);
  });
});

/** The file of weights that a state holds, read again. */
function weightsIn(state: Uint8Array) {
  const { head, spans } = weightsOfState(memoryFile(state));
  return decodeWeights(Buffer.concat([head, ...spans.map(({ at, bytes }) => state.subarray(at, at + bytes))]));
}
