/*
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the length of the header, a JSON header,
 * raw little-endian data. Files come from users too, so a file is checked completely before a tensor is allocated.
 * Every platform Node runs on is little-endian, so typed arrays are copied as they are.
 */

import type { Shape } from '../shape.ts';
import type { NamedTensor } from './tensor.ts';

export type TensorData = Float32Array | Float64Array | Int32Array;

/** A tensor of any type we store. Weights are float32; checkpoints also hold exact counters and sums. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: TensorData;
}

/** A file that is read piece by piece, from anywhere. */
export interface ReadableFile {
  readonly bytes: number;
  /** Fills `target` with the bytes from `at` on. */
  read(at: number, target: Uint8Array): void;
}

/** A tensor without its numbers. */
export interface TensorHead {
  readonly name: string;
  readonly dtype: keyof typeof DTYPES;
  readonly shape: Shape;
}

/** Consecutive bytes of a file. */
export interface ByteSpan {
  readonly at: number;
  readonly bytes: number;
}

/** A file whose header was read and checked. */
export interface OpenTensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the header. */
  readonly names: readonly string[];
  /** The tensor of this name, or undefined when there is none. */
  read(name: string): StoredTensor | undefined;
  /** Fills an array with the tensor of this name; false when there is none of its type and length. */
  readInto(name: string, target: TensorData): boolean;
  /** Where in the file its numbers are. */
  spanOf(name: string): ByteSpan | undefined;
}

export interface TensorFile<Tensor extends StoredTensor = StoredTensor> {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly Tensor[];
}

/** What is wrong with a file; the message is fit for users. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

interface Entry {
  readonly name: string;
  readonly dtype: keyof typeof DTYPES;
  readonly shape: Shape;
  readonly from: number;
  readonly to: number;
}

const DTYPES = {
  F32: { bytes: 4, view: (buffer: ArrayBuffer) => new Float32Array(buffer) },
  F64: { bytes: 8, view: (buffer: ArrayBuffer) => new Float64Array(buffer) },
  I32: { bytes: 4, view: (buffer: ArrayBuffer) => new Int32Array(buffer) },
} as const;

/** The first bytes of a file, which say how long its head is. */
const HEAD_LENGTH_BYTES = 8;
const ALIGNMENT_BYTES = 8;
/** The bound the format's own readers set. */
const HEADER_BYTES_MAX = 100_000_000;
const METADATA_KEY = '__metadata__';

/** One file holding the tensors in the given order (wider elements first, which keeps every tensor aligned). */
export function encodeSafetensors(tensors: readonly StoredTensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const pieces = safetensorsPieces(tensors, metadata);
  const file = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

/** The same file as its header and the tensors' own bytes, one after another: nothing is copied. */
export function safetensorsPieces(tensors: readonly StoredTensor[], metadata: Readonly<Record<string, string>>): Uint8Array[] {
  const ordered = tensors.toSorted((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const heads = ordered.map(({ name, shape, data }) => ({ name, shape, dtype: dtypeOf(data) }));
  return [safetensorsHead(heads, metadata), ...ordered.map(({ data }) => bytesOf(data))];
}

/** What stands before the numbers of these tensors, which follow each other in this order, wider elements first. */
export function safetensorsHead(tensors: readonly TensorHead[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const from = end;
    end += tensorBytes(dtype, shape);
    return [name, { dtype, shape, data_offsets: [from, end] }];
  });
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries([[METADATA_KEY, metadata], ...entries])));
  const headerBytes = Math.ceil(text.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const header = new Uint8Array(HEAD_LENGTH_BYTES + headerBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(text, HEAD_LENGTH_BYTES);
  return header;
}

/** Reads a file, or throws a `SafetensorsError`. The tensors are copies in header order. */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  const { metadata, names, read } = openSafetensors(memoryFile(file));
  return { metadata, tensors: names.map((name) => read(name)!) };
}

/** Bytes in memory as a file. */
export function memoryFile(file: Uint8Array): ReadableFile {
  return { bytes: file.length, read: (at, target) => target.set(file.subarray(at, at + target.length)) };
}

/** Reads the header of a file, or throws a `SafetensorsError`; its tensors are read when they are asked for. */
export function openSafetensors(file: ReadableFile): OpenTensorFile {
  const { header, dataStart } = readHeader(file);
  const metadata = readMetadata(header);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, value]) => readEntry(name, value));
  checkCover(entries, file.bytes - dataStart);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    metadata,
    names: entries.map(({ name }) => name),
    read(name) {
      const entry = byName.get(name);
      if (entry === undefined) return undefined;
      const bytes = new Uint8Array(entry.to - entry.from);
      file.read(dataStart + entry.from, bytes);
      return { name, shape: entry.shape, data: DTYPES[entry.dtype].view(bytes.buffer) };
    },
    readInto(name, target) {
      const entry = byName.get(name);
      if (entry === undefined || entry.dtype !== dtypeOf(target) || entry.to - entry.from !== target.byteLength) return false;
      file.read(dataStart + entry.from, bytesOf(target));
      return true;
    },
    spanOf(name) {
      const entry = byName.get(name);
      return entry && { at: dataStart + entry.from, bytes: entry.to - entry.from };
    },
  };
}

/** Reads a file of weights: float32 throughout. */
export function decodeWeights(file: Uint8Array): TensorFile<NamedTensor> {
  const { metadata, tensors } = decodeSafetensors(file);
  const weights = tensors.map(({ name, shape, data }) => {
    if (!(data instanceof Float32Array)) throw new SafetensorsError(`Tensor "${name}" must have dtype F32, received ${dtypeOf(data)}.`);
    return { name, shape, data };
  });
  return { metadata, tensors: weights };
}

/** The data section with tensors sorted by name (by code unit), piece by piece: its digest identifies weights whatever they are stored with. */
export function weightsData(tensors: readonly NamedTensor[]): Uint8Array[] {
  return tensors.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))).map(({ data }) => bytesOf(data));
}

function bytesOf({ buffer, byteOffset, byteLength }: TensorData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function tensorBytes(dtype: keyof typeof DTYPES, shape: Shape): number {
  return shape.reduce((product, axis) => product * axis, DTYPES[dtype].bytes);
}

function dtypeOf(data: TensorData): keyof typeof DTYPES {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Float64Array ? 'F64' : 'I32';
}

function readHeader(file: ReadableFile): { header: Record<string, unknown>; dataStart: number } {
  if (file.bytes < HEAD_LENGTH_BYTES) throw new SafetensorsError(`A file has at least ${HEAD_LENGTH_BYTES} bytes, received ${file.bytes}.`);
  const length = new Uint8Array(HEAD_LENGTH_BYTES);
  file.read(0, length);
  const headerBytes = new DataView(length.buffer).getBigUint64(0, true);
  const available = Math.min(file.bytes - HEAD_LENGTH_BYTES, HEADER_BYTES_MAX);
  if (headerBytes > BigInt(available)) {
    throw new SafetensorsError(`The header claims ${headerBytes} bytes, at most ${available} are possible.`);
  }
  const text = new Uint8Array(Number(headerBytes));
  file.read(HEAD_LENGTH_BYTES, text);
  const header = parseHeader(text);
  if (!isRecord(header)) throw new SafetensorsError('The header must be a JSON object.');
  return { header, dataStart: HEAD_LENGTH_BYTES + text.length };
}

function parseHeader(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SafetensorsError('The header is not JSON in UTF-8.', { cause });
  }
}

function readMetadata(header: Record<string, unknown>): Record<string, string> {
  const metadata = Object.hasOwn(header, METADATA_KEY) ? header[METADATA_KEY] : {};
  if (!isRecord(metadata)) throw new SafetensorsError(`${METADATA_KEY} must be an object of strings.`);
  const texts = Object.entries(metadata).map(([key, value]): [string, string] => {
    if (typeof value !== 'string') throw new SafetensorsError(`${METADATA_KEY} must hold strings only, "${key}" is ${typeof value}.`);
    return [key, value];
  });
  return Object.fromEntries(texts);
}

function readEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) throw new SafetensorsError(`Tensor "${name}" must be described by an object.`);
  const dtype = value['dtype'];
  if (!isDtype(dtype)) {
    throw new SafetensorsError(
      `Tensor "${name}" must have one of the dtypes ${Object.keys(DTYPES).join(', ')}, received ${JSON.stringify(dtype)}.`,
    );
  }
  const { shape, data_offsets: offsets } = value;
  if (!isSizes(shape)) throw new SafetensorsError(`The shape of tensor "${name}" must be a list of whole numbers.`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw new SafetensorsError(`The data_offsets of tensor "${name}" must be two whole numbers.`);
  const [from, to] = [offsets[0]!, offsets[1]!];
  const bytes = tensorBytes(dtype, shape);
  if (!Number.isSafeInteger(bytes) || to - from !== bytes) {
    throw new SafetensorsError(`Tensor "${name}" needs ${bytes} bytes by its shape, its data_offsets span ${to - from}.`);
  }
  return { name, dtype, shape, from, to };
}

/** The tensors must cover the data section without a hole, an overlap or trailing bytes. */
function checkCover(entries: readonly Entry[], dataBytes: number): void {
  let end = 0;
  for (const { name, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) throw new SafetensorsError(`The data of tensor "${name}" must start at byte ${end}, its data_offsets say ${from}.`);
    end = to;
  }
  if (end !== dataBytes) throw new SafetensorsError(`The tensors cover ${end} bytes of data, the file holds ${dataBytes}.`);
}

function isDtype(value: unknown): value is keyof typeof DTYPES {
  return typeof value === 'string' && Object.hasOwn(DTYPES, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
