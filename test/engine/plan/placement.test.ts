import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BufferRef } from '../../../src/engine/backends/backend.ts';
import type { Value } from '../../../src/engine/graph/graph.ts';
import type { Call } from '../../../src/engine/ops/op.ts';
import { ALIGNMENT_BYTES, bytesOf, placeValues } from '../../../src/engine/plan/placement.ts';
import { testGraph } from '../graph-session.ts';

const sizes = { batchSize: 3, realBytes: 4 } as const;

/** Chains of calls over values of random sizes: each call reads two earlier values and writes a new one, sometimes in place. */
const programs = fc.array(fc.record({ size: fc.integer({ min: 1, max: 60 }), a: fc.nat(), b: fc.nat(), inPlace: fc.boolean() }), {
  minLength: 1,
  maxLength: 40,
});

describe('placement', () => {
  it('never lets two values that are alive at the same time overlap, except where a call may work in place', () => {
    fc.assert(
      fc.property(programs, (steps) => {
        const { calls, kept } = build(steps);
        const { places, to } = placeValues({ calls, homes: new Map(), kept, from: 128, ...sizes });
        const lives = livesOf(calls, kept);
        for (const [value, place] of places) {
          expect(place.byteOffset % ALIGNMENT_BYTES).toBe(0);
          expect(place.byteOffset).toBeGreaterThanOrEqual(128);
          expect(place.byteOffset + bytesOf(value, sizes)).toBeLessThanOrEqual(to);
        }
        for (const [older, younger] of pairsAliveTogether(lives)) {
          if (!overlap([older, places.get(older)!], [younger, places.get(younger)!])) continue;
          const { from } = lives.get(younger)!;
          expect(takesOver(calls[from]!, older, younger)).toBe(true);
          expect(lives.get(older)!.to).toBe(from);
        }
      }),
    );
  });

  it('reuses memory: a long chain needs no more than its two largest neighbours', () => {
    const { calls, kept } = build(Array.from({ length: 50 }, (_, i) => ({ size: 16, a: i, b: i, inPlace: false })));
    const { to } = placeValues({ calls, homes: new Map(), kept, from: 0, ...sizes });
    expect(to).toBe(2 * bytesOf(kept[0]!, sizes));
  });
});

function build(steps: readonly { size: number; a: number; b: number; inPlace: boolean }[]): { calls: Call[]; kept: Value[] } {
  const graph = testGraph();
  const values: Value[] = [];
  const calls = steps.map(({ size, a, b, inPlace }): Call => {
    const written = graph.value({ label: 'v', shape: [size], batched: true, type: 'real', role: 'activation' });
    const read = values.length === 0 ? [] : [values[a % values.length]!, values[b % values.length]!];
    values.push(written);
    const shared = { kernel: 'k', dims: [], scalars: [], layer: '' };
    const writes = [read.length];
    return { ...shared, buffers: [...read, written], writes, ...(inPlace && read.length > 0 && { inPlace: [0, 2] as const }) };
  });
  return { calls, kept: [values.at(-1)!] };
}

/** From the call that writes a value to the last one that reads it. */
function livesOf(calls: readonly Call[], kept: readonly Value[]): Map<Value, { from: number; to: number }> {
  const lives = new Map<Value, { from: number; to: number }>();
  calls.forEach((call, index) => {
    for (const value of call.buffers) {
      const life = lives.get(value!) ?? { from: index, to: index };
      lives.set(value!, { from: life.from, to: kept.includes(value!) ? calls.length : index });
    }
  });
  return lives;
}

function pairsAliveTogether(lives: ReadonlyMap<Value, { from: number; to: number }>): [Value, Value][] {
  return [...lives].flatMap(([older, life]) =>
    [...lives].filter(([, { from }]) => life.from < from && from <= life.to).map(([younger]): [Value, Value] => [older, younger]),
  );
}

function overlap([a, placeOfA]: [Value, BufferRef], [b, placeOfB]: [Value, BufferRef]): boolean {
  return placeOfA.byteOffset < placeOfB.byteOffset + bytesOf(b, sizes) && placeOfB.byteOffset < placeOfA.byteOffset + bytesOf(a, sizes);
}

/** The one overlap that is allowed: the very same memory, read once at the place the call names. */
function takesOver(call: Call, input: Value, output: Value): boolean {
  return call.inPlace !== undefined && call.buffers[0] === input && call.buffers[1] !== input && call.buffers[2] === output;
}
