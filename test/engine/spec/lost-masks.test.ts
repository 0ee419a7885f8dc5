import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../src/engine/index.ts';

const limits = { layersMax: 20, parametersMax: 1e7, arenaBytesMax: 1e9 };
const embedding = { type: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true };
const recurrent = { type: 'gru', units: 3 };
const output = { type: 'dense', units: 1 };

/** Layers that are told to lose a mask. */
function lostIn(...layers: readonly object[]) {
  const { faults, warnings } = checkSpec({ spec: { input_shape: [8], input_dtype: 'int32', layers }, limits });
  expect(faults).toEqual([]);
  return warnings.filter(({ code }) => code === 'mask_lost').map(({ pointer }) => pointer);
}

describe('a mask', () => {
  it.each([{ type: 'max_pooling1d' }, { type: 'average_pooling1d' }, { type: 'conv1d', filters: 3, kernel_size: 2 }])(
    'that is lost in %j is told of, once',
    (layer) => {
      expect(lostIn(embedding, layer, recurrent, output)).toEqual(['/layers/1']);
    },
  );

  it.each([{ type: 'global_max_pooling1d' }, { type: 'flatten' }])('that is lost in %j is told of', (layer) => {
    expect(lostIn(embedding, layer, output)).toEqual(['/layers/1']);
  });

  it.each([recurrent, { type: 'bidirectional', layer: recurrent }, { type: 'global_average_pooling1d' }])(
    'that is heeded by %j is not lost',
    (layer) => {
      expect(lostIn(embedding, { type: 'dropout', rate: 0.1 }, layer, output)).toEqual([]);
    },
  );

  it('that is not there is not lost', () => {
    expect(lostIn({ ...embedding, mask_zero: false }, { type: 'max_pooling1d' }, recurrent, output)).toEqual([]);
  });
});
