/*
 * Where every value lies in the arena. Values with a home of their own (weights, gradients, accumulators) are given; all others
 * live from the call that writes them to the last call that reads them, and share memory with those whose time does not overlap.
 */

import type { BufferRef } from '../backends/backend.ts';
import type { Value } from '../graph/value.ts';
import { storageOf } from '../graph/value.ts';
import type { Call } from '../ops/op.ts';
import { sizeOf } from '../shape.ts';

/** Offsets are multiples of this, the width of the widest vector register and of a cache line. */
export const ALIGNMENT_BYTES = 64;

/** Where the first buffer of every arena begins. Not at 0: where offsets are addresses (WebAssembly), 0 says that a buffer is absent. */
export const ARENA_START = alignUp(1);

export interface PlacementRequest {
  readonly calls: readonly Call[];
  /** Values that have a place already. */
  readonly homes: ReadonlyMap<Value, BufferRef>;
  /** Values that are read after the last call. */
  readonly kept: readonly Value[];
  /** First byte of the shared memory. */
  readonly from: number;
  readonly batchSize: number;
  readonly realBytes: 4 | 8;
}

export interface Placement {
  readonly places: ReadonlyMap<Value, BufferRef>;
  /** First byte after the shared memory. */
  readonly to: number;
}

export function placeValues(request: PlacementRequest): Placement {
  const { calls, homes, kept } = request;
  const lastUses = findLastUses(calls, kept);
  const places = new Map(homes);
  const memory = new FreeList(request.from);
  calls.forEach((call, index) => {
    const dying = [...new Set(valuesOf(call))].filter((value) => lastUses.get(value) === index && !homes.has(value));
    for (const position of call.writes) {
      const value = storageOf(call.buffers[position]!);
      if (places.has(value)) continue;
      const taken = takenOver(call, position, dying, request);
      const bytes = bytesOf(value, request);
      places.set(value, bufferRef(value, taken ? places.get(taken)!.byteOffset : memory.take(bytes), request));
      if (taken) dying.splice(dying.indexOf(taken), 1);
    }
    for (const value of dying) memory.give(places.get(value)!.byteOffset, bytesOf(value, request));
  });
  return { places, to: memory.end };
}

/** Place of a value, its batch counted in. */
export function bufferRef(value: Value, byteOffset: number, request: Pick<PlacementRequest, 'batchSize' | 'realBytes'>): BufferRef {
  const length = sizeOf(value.shape) * (value.batched ? request.batchSize * (value.rowsPerRow ?? 1) : 1);
  const dtype = value.type === 'real' ? (request.realBytes === 8 ? 'float64' : 'float32') : value.type;
  return { byteOffset, dtype, length };
}

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** Bytes of a value in the arena. */
export function bytesOf(value: Value, request: Pick<PlacementRequest, 'batchSize' | 'realBytes'>): number {
  const { length, dtype } = bufferRef(value, 0, request);
  return alignUp(length * (dtype === 'float64' ? 8 : 4));
}

function valuesOf(call: Call): Value[] {
  return call.buffers.flatMap((buffer) => (buffer ? [storageOf(buffer)] : []));
}

function findLastUses(calls: readonly Call[], kept: readonly Value[]): Map<Value, number> {
  const lastUses = new Map<Value, number>();
  calls.forEach((call, index) => {
    for (const value of valuesOf(call)) lastUses.set(value, index);
  });
  for (const value of kept) lastUses.set(storageOf(value), Number.POSITIVE_INFINITY);
  return lastUses;
}

/** The dying input whose memory the output at `position` may take over, if any. */
function takenOver(call: Call, position: number, dying: readonly Value[], request: PlacementRequest): Value | null {
  if (!call.inPlace || call.inPlace[1] !== position) return null;
  const input = storageOf(call.buffers[call.inPlace[0]]!);
  const output = storageOf(call.buffers[position]!);
  const readOnce = valuesOf(call).filter((value) => value === input).length === 1;
  return readOnce && dying.includes(input) && bytesOf(input, request) === bytesOf(output, request) ? input : null;
}

/** Free ranges below `end`, in order of offset. The smallest range that fits is taken; neighbours melt together. */
class FreeList {
  end: number;
  #free: { from: number; to: number }[] = [];

  constructor(from: number) {
    this.end = from;
  }

  take(bytes: number): number {
    const fitting = this.#free
      .filter(({ from, to }) => to - from >= bytes)
      .sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from);
    const range = fitting[0];
    if (range) {
      const { from } = range;
      range.from += bytes;
      this.#free = this.#free.filter((free) => free.to > free.from);
      return from;
    }
    return this.#extend(bytes);
  }

  give(from: number, bytes: number): void {
    const ordered = [...this.#free, { from, to: from + bytes }].sort((a, b) => a.from - b.from);
    this.#free = [];
    for (const range of ordered) {
      const before = this.#free.at(-1);
      if (before?.to === range.from) before.to = range.to;
      else this.#free.push(range);
    }
  }

  /** Grows the memory, starting in a free range that touches the end. */
  #extend(bytes: number): number {
    const last = this.#free.at(-1);
    const from = last?.to === this.end ? last.from : this.end;
    if (last?.to === this.end) this.#free.pop();
    this.end = from + bytes;
    return from;
  }
}
