import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeSafetensors,
  decodeWeights,
  encodeSafetensors,
  SafetensorsError,
  weightsData,
} from '../../../src/engine/weights/safetensors.ts';

const kernel = { name: 'dense/kernel', shape: [2, 3], data: Float32Array.of(1, -0, 3, Number.NaN, 5, 1e-45) };
const bias = { name: 'dense/bias', shape: [3], data: Float32Array.of(7, 8, 9) };

/** A file with this header text and this many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

describe('encodeSafetensors', () => {
  test('is read back bit for bit, in the same order, from any byte offset', () => {
    const file = encodeSafetensors([kernel, bias], { spec: '{"layers":[]}', labels: '["ä"]' });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    const { metadata, tensors } = decodeWeights(shifted.subarray(3));
    expect(metadata).toEqual({ spec: '{"layers":[]}', labels: '["ä"]' });
    expect(tensors.map((tensor) => tensor.name)).toEqual(['dense/kernel', 'dense/bias']);
    expect(tensors[0]!.shape).toEqual([2, 3]);
    expect(Buffer.from(tensors[0]!.data.buffer)).toEqual(Buffer.from(kernel.data.buffer));
    expect(tensors[1]!.data).toEqual(bias.data);
  });

  test('writes the published layout: header length, padded JSON, data at a multiple of eight', () => {
    const file = encodeSafetensors([bias], { a: 'b' });
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
    expect(header).toEqual({ __metadata__: { a: 'b' }, 'dense/bias': { dtype: 'F32', shape: [3], data_offsets: [0, 12] } });
    expect(new DataView(file.buffer).getFloat32(8 + headerBytes + 4, true)).toBe(8);
  });

  test('keeps wider elements aligned by writing them first', () => {
    const sums = { name: 'sums', shape: [1], data: Float64Array.of(0.1) };
    const counts = { name: 'counts', shape: [3], data: Int32Array.of(1, -2, 3) };
    const { tensors } = decodeSafetensors(encodeSafetensors([counts, sums], {}));
    expect(tensors).toEqual([sums, counts]);
  });

  test('holds any tensors, also empty ones and scalars', () => {
    const tensorArb = fc.record({ name: fc.string(), values: fc.array(fc.float(), { maxLength: 9 }) });
    fc.assert(
      fc.property(fc.uniqueArray(tensorArb, { selector: (tensor) => tensor.name, maxLength: 6 }), (given) => {
        const tensors = given
          .filter(({ name }) => name !== '__metadata__')
          .map(({ name, values }) => ({ name, shape: values.length === 1 ? [] : [values.length], data: Float32Array.from(values) }));
        const decoded = decodeWeights(encodeSafetensors(tensors, {})).tensors;
        expect(new Map(decoded.map((tensor) => [tensor.name, tensor]))).toEqual(new Map(tensors.map((tensor) => [tensor.name, tensor])));
      }),
    );
  });
});

describe('decodeSafetensors', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  test.each<{ name: string; file: Uint8Array; message: RegExp }>([
    { name: 'a file without a length', file: new Uint8Array(5), message: /at least 8 bytes/ },
    {
      name: 'a length beyond the file',
      file: Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123),
      message: /claims 18446744073709551615/,
    },
    { name: 'a header that is not JSON', file: fileOf('{"a":', 0), message: /not JSON/ },
    { name: 'a header that is a list', file: fileOf([], 0), message: /JSON object/ },
    { name: 'metadata that is not text', file: fileOf({ __metadata__: { a: 1 } }, 0), message: /strings only/ },
    { name: 'an unknown dtype', file: fileOf({ a: { ...entry, dtype: 'BF16' } }, 8), message: /received "BF16"/ },
    { name: 'a dtype named like a built-in', file: fileOf({ a: { ...entry, dtype: 'constructor' } }, 8), message: /dtypes/ },
    { name: 'a negative size', file: fileOf({ a: { ...entry, shape: [-2] } }, 8), message: /whole numbers/ },
    { name: 'a shape larger than its data', file: fileOf({ a: { ...entry, shape: [3] } }, 8), message: /needs 12 bytes/ },
    { name: 'a size that overflows', file: fileOf({ a: { ...entry, shape: [2 ** 50, 2 ** 50] } }, 8), message: /needs/ },
    { name: 'one offset', file: fileOf({ a: { ...entry, data_offsets: [0] } }, 8), message: /two whole numbers/ },
    { name: 'a hole', file: fileOf({ a: { ...entry, data_offsets: [4, 12] } }, 12), message: /must start at byte 0/ },
    { name: 'an overlap', file: fileOf({ a: entry, b: { ...entry, data_offsets: [4, 12] } }, 12), message: /must start at byte 8/ },
    { name: 'trailing bytes', file: fileOf({ a: entry }, 9), message: /cover 8 bytes of data, the file holds 9/ },
    { name: 'missing data', file: fileOf({ a: entry }, 7), message: /cover 8 bytes of data, the file holds 7/ },
  ])('refuses $name', ({ file, message }) => {
    expect(() => decodeSafetensors(file)).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(file)).toThrow(message);
  });

  test('answers arbitrary bytes with its own error only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
    );
  });

  test('weights must be float32', () => {
    const file = encodeSafetensors([{ name: 'a', shape: [1], data: Int32Array.of(1) }], {});
    expect(() => decodeWeights(file)).toThrow(/F32, received I32/);
  });
});

test('the data section does not depend on the order of the tensors', () => {
  expect(weightsData([kernel, bias])).toEqual(weightsData([bias, kernel]));
  expect(weightsData([kernel, bias])[0]).toEqual(new Uint8Array(bias.data.buffer));
});
